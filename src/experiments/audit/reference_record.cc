#include "experiments/audit/reference_record.h"

#include <cmath>

#include "base/error.h"

namespace rg::experiments {

ReferenceRecord::ReferenceRecord(const Setting& setting, RouteTable& routes, uint64_t first_row,
                                 std::filesystem::path folder, uint64_t held_beside)
    : setting_(setting),
      routes_(routes),
      first_row_(first_row),
      folder_(std::move(folder)),
      held_beside_(held_beside) {
  check_windows(setting);
}

uint64_t ReferenceRecord::gate_bytes() const {
  const uint64_t bias = setting_.spec.selection_bias ? 1 : 0;
  return uint64_t{setting_.spec.experts} * (setting_.width + bias) * sizeof(float);
}

uint64_t ReferenceRecord::window_bytes() const {
  const uint64_t row = uint64_t{setting_.spec.experts} + setting_.width;
  return positions() *
         (row * sizeof(float) + setting_.spec.top_k * (sizeof(float) + sizeof(int32_t)));
}

uint64_t ReferenceRecord::offset(size_t slot, size_t window) const {
  return slot * (gate_bytes() + windows() * window_bytes()) + gate_bytes() +
         window * window_bytes();
}

tap::Needs ReferenceRecord::needs() const {
  tap::Needs needs;
  needs.held_bytes = kept_bytes() + held_beside_;
  needs.kept_file_bytes = offset(setting_.layers.size() - 1, windows());
  return needs;
}

uint64_t ReferenceRecord::kept_bytes() const { return setting_.layers.size() * all_positions(); }

void ReferenceRecord::begin_layer(const tap::LayerView& view) {
  if (!file_) {
    file_.emplace(folder_,
                  "What the pass over the reference saw goes there, for the pass over the changed "
                  "copy. Free some space or measure fewer windows or layers.");
    file_->reserve(offset(setting_.layers.size() - 1, windows()));
    defined_.assign(kept_bytes(), 0);
  }
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  const uint64_t at = offset(static_cast<size_t>(slot), 0) - gate_bytes();
  check_internal(view.router_weight.size_bytes() + view.selection_bias.size_bytes() == gate_bytes(),
                 "a gate is as large as its rule says");
  file_->write(at, std::as_bytes(view.router_weight));
  file_->write(at + view.router_weight.size_bytes(), std::as_bytes(view.selection_bias));
}

void ReferenceRecord::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const size_t k = setting_.spec.top_k;
  for (size_t row = 0; row < block.rows; ++row) {
    routes_.set(view.layer, first_row_ + block.first_row + row, {block.ranked + row * (k + 1), k});
  }
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  check_internal(block.other_gates.size() == 1, "the pass asks the changed copy's gate");
  for_each_sequence(block, [&](const SequenceRows& rows) {
    keep_window(block, rows, static_cast<size_t>(slot));
  });
}

void ReferenceRecord::keep_window(const tap::GateBlock& block, const SequenceRows& rows,
                                  size_t slot) {
  const size_t k = setting_.spec.top_k, experts = setting_.spec.experts, T = positions();
  uint64_t at = offset(slot, rows.sequence);
  const auto put = [&](std::span<const std::byte> bytes) {
    file_->write(at, bytes);
    at += bytes.size();
  };
  const auto floats = [&](const float* values, size_t width) {
    put(std::as_bytes(std::span(values + rows.first * width, T * width)));
  };
  floats(block.router_logits, experts);
  floats(block.gate_input, setting_.width);
  floats(block.weights, k);
  std::vector<int32_t> other(T * k);
  uint8_t* const defined = defined_.data() + slot * all_positions() + rows.sequence * T;
  for (size_t t = 0; t < T; ++t) {
    std::copy_n(block.other_gates[0].ranked + (rows.first + t) * (k + 1), k, other.data() + t * k);
    defined[t] = std::isfinite(block.margins[rows.first + t]) ? 1 : 0;
  }
  put(std::as_bytes(std::span<const int32_t>(other)));
}

void ReferenceRecord::read_logits(size_t slot, size_t window, std::span<float> to) const {
  file_->read_exact(offset(slot, window), std::as_writable_bytes(to));
}

void ReferenceRecord::read_window(size_t slot, size_t window, ReferenceWindow& to) const {
  const size_t k = setting_.spec.top_k, T = positions();
  to.inputs.resize(T * setting_.width);
  to.weights.resize(T * k);
  to.other_selected.resize(T * k);
  uint64_t at = offset(slot, window) + T * setting_.spec.experts * sizeof(float);
  const auto get = [&](std::span<std::byte> bytes) {
    file_->read_exact(at, bytes);
    at += bytes.size();
  };
  get(std::as_writable_bytes(std::span(to.inputs)));
  get(std::as_writable_bytes(std::span(to.weights)));
  get(std::as_writable_bytes(std::span(to.other_selected)));
}

void ReferenceRecord::read_gate(size_t slot, std::vector<float>& router,
                                std::vector<float>& selection_bias) const {
  router.resize(size_t{setting_.spec.experts} * setting_.width);
  selection_bias.resize(setting_.spec.selection_bias ? setting_.spec.experts.value : 0);
  const uint64_t at = offset(slot, 0) - gate_bytes();
  file_->read_exact(at, std::as_writable_bytes(std::span(router)));
  file_->read_exact(at + router.size() * sizeof(float),
                    std::as_writable_bytes(std::span(selection_bias)));
}

std::span<const uint8_t> ReferenceRecord::defined(size_t slot) const {
  return {defined_.data() + slot * all_positions(), all_positions()};
}

void ReferenceRecord::release() { file_.reset(); }

}  // namespace rg::experiments
