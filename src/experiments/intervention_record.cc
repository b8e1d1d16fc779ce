#include "experiments/intervention_record.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "experiments/common.h"
#include "kernels/logits.h"

namespace rg::experiments {
namespace {

static_assert(gate::kMaxExperts <= std::numeric_limits<uint16_t>::max());

// Ids among `selected` that are not among `kept`.
uint32_t newly_selected(std::span<const int32_t> selected, std::span<const uint16_t> kept) {
  return static_cast<uint32_t>(std::count_if(selected.begin(), selected.end(), [&](int32_t expert) {
    return std::find(kept.begin(), kept.end(), static_cast<uint16_t>(expert)) == kept.end();
  }));
}

}  // namespace

RouteRecord::RouteRecord(const Setting& setting)
    : layers_(setting.layers),
      windows_(setting.windows),
      positions_(setting.seq_len - 1),
      k_(setting.spec.top_k) {
  check_windows(setting);
}

uint64_t RouteRecord::held_bytes() const {
  return uint64_t{layers_.size()} * windows_->sequences() * positions_ * k_ * sizeof(uint16_t);
}

tap::Needs RouteRecord::needs() const {
  tap::Needs needs;
  needs.held_bytes = held_bytes();
  return needs;
}

void RouteRecord::begin_layer(const tap::LayerView&) {
  experts_.resize(held_bytes() / sizeof(uint16_t));
}

void RouteRecord::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_among(layers_, view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    const size_t first =
        (static_cast<size_t>(slot) * windows_->sequences() + window.sequence) * positions_ * k_;
    for (uint32_t t = 0; t < positions_; ++t) {
      const int32_t* const ranked = block.ranked + (window.first + t) * (k_ + 1);
      std::transform(ranked, ranked + k_, experts_.begin() + static_cast<ptrdiff_t>(first + t * k_),
                     [](int32_t expert) { return static_cast<uint16_t>(expert); });
    }
  });
}

std::span<const uint16_t> RouteRecord::of_window(size_t slot, size_t window) const {
  const size_t size = size_t{positions_} * k_;
  return std::span(experts_).subspan((slot * windows_->sequences() + window) * size, size);
}

RouteChange::RouteChange(const Setting& setting, const RouteRecord& plain,
                         const OutputRecord& plain_outputs)
    : layers_(setting.layers),
      windows_(setting.windows),
      positions_(setting.seq_len - 1),
      k_(setting.spec.top_k),
      plain_(plain),
      plain_outputs_(plain_outputs) {
  check_windows(setting);
}

tap::Needs RouteChange::needs() const {
  tap::Needs needs;
  needs.logits = true;
  needs.held_bytes = (2 * layers_.size() + 1) * windows_->sequences() * sizeof(uint64_t) +
                     plain_.held_bytes() + plain_outputs_.needs().held_bytes;
  return needs;
}

// Not in the constructor: the plain pass comes first.
void RouteChange::begin_layer(const tap::LayerView&) {
  if (!top1_equal_.empty()) return;
  const size_t windows = windows_->sequences();
  mass_ = WindowCounts(layers_.size(), windows);
  changed_ = WindowCounts(layers_.size(), windows);
  top1_equal_.assign(windows, 0);
}

void RouteChange::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_among(layers_, view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    const auto plain = plain_.of_window(static_cast<size_t>(slot), window.sequence);
    uint64_t mass = 0, changed = 0;
    for (uint32_t t = 0; t < positions_; ++t) {
      const std::span ranked(block.ranked + (window.first + t) * (k_ + 1), k_);
      const uint32_t others = newly_selected(ranked, plain.subspan(size_t{t} * k_, k_));
      mass += others;
      changed += others > 0;
    }
    mass_.at(static_cast<size_t>(slot), window.sequence) = mass;
    changed_.at(static_cast<size_t>(slot), window.sequence) = changed;
  });
}

void RouteChange::on_logits(const tap::LogitsBlock& block) {
  check_internal(block.reference_logits != nullptr, "the plain pass is the reference");
  for (uint32_t row = 0; row < block.rows && block.first_position + row < positions_; ++row) {
    const size_t at = size_t{row} * block.vocabulary;
    top1_equal_[block.sequence] +=
        kernels::most_probable(block.logits + at, block.vocabulary) ==
        kernels::most_probable(block.reference_logits + at, block.vocabulary);
  }
}

}  // namespace rg::experiments
