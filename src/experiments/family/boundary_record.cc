#include "experiments/family/boundary_record.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace rg::experiments {

BoundaryRecord::BoundaryRecord(const Setting& setting, size_t other)
    : setting_(setting), other_(other) {
  check_windows(setting);
  require_competitor(setting, "boundary_amplification");
  for (const int layer : required_layers()) {
    check_internal(slot_among(setting.layers, layer) >= 0, "a required layer is measured");
  }
}

tap::Needs BoundaryRecord::needs() const {
  const size_t layers = setting_.layers.size();
  tap::Needs needs;
  needs.held_bytes = layers * setting_.windows->sequences() * sizeof(BoundaryWindow) +
                     layers * (kDeciles + 1) * sizeof(float) + layers * all_positions() +
                     all_positions() * (2 * sizeof(float) + sizeof(uint16_t));
  return needs;
}

// Of the many edges of a suite one pass watches a few: memory is taken when the pass begins.
void BoundaryRecord::begin_layer(const tap::LayerView&) {
  if (!windows_.empty()) return;
  const size_t layers = setting_.layers.size();
  windows_.resize(layers * setting_.windows->sequences());
  edges_.resize(layers);
  thresholds_below_.assign(layers * all_positions(), kNoMargin);
  margins_.resize(all_positions());
  lost_.resize(all_positions());
  ascending_.reserve(all_positions());
}

void BoundaryRecord::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  check_internal(other_ < block.other_gates.size(), "the pass asks the other checkpoint's gate");
  for_each_sequence(block, [&](const SequenceRows& rows) {
    keep_window(block, rows, static_cast<size_t>(slot));
  });
}

void BoundaryRecord::keep_window(const tap::GateBlock& block, const SequenceRows& rows,
                                 size_t slot) {
  const size_t k = setting_.spec.top_k;
  const size_t first = rows.sequence * positions();
  BoundaryWindow& window = windows_[slot * setting_.windows->sequences() + rows.sequence];
  std::vector<float> ascending;
  for (uint32_t t = 0; t < positions(); ++t) {
    const size_t row = rows.first + t;
    const float margin = block.margins[row];
    margins_[first + t] = margin;
    if (!std::isfinite(margin)) continue;
    ascending.push_back(margin);
    const int32_t* own = block.ranked + row * (k + 1);
    const int32_t* other = block.other_gates[other_].ranked + row * (k + 1);
    lost_[first + t] = static_cast<uint16_t>(k - gate::overlap({own, k}, {other, k}));
    window.mass += lost_[first + t];
  }
  window.undefined = positions() - static_cast<uint32_t>(ascending.size());
  if (ascending.empty()) return;
  std::sort(ascending.begin(), ascending.end());
  for (size_t q = 0; q < kQuantiles; ++q) {
    window.threshold[q] =
        stats::quantile(std::span<const float>(ascending), kCompressionQs[q].fraction);
  }
  uint8_t* const below = thresholds_below_.data() + slot * all_positions() + first;
  for (uint32_t t = 0; t < positions(); ++t) {
    if (!std::isfinite(margins_[first + t])) continue;
    uint8_t above = 0;
    while (above < kQuantiles && margins_[first + t] > window.threshold[above]) ++above;
    below[t] = above;
    for (size_t q = above; q < kQuantiles; ++q) {
      ++window.tokens_under[q];
      window.mass_under[q] += lost_[first + t];
    }
  }
}

void BoundaryRecord::end_layer(const tap::LayerView& view) {
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  keep_deciles(static_cast<size_t>(slot));
  if (view.layer != setting_.layers.back()) return;
  // The record waits for other passes: it gives back what it no longer needs.
  std::vector<float>().swap(margins_);
  std::vector<float>().swap(ascending_);
  std::vector<uint16_t>().swap(lost_);
}

void BoundaryRecord::keep_deciles(size_t slot) {
  ascending_.clear();
  std::copy_if(margins_.begin(), margins_.end(), std::back_inserter(ascending_),
               [](float margin) { return std::isfinite(margin); });
  if (ascending_.empty()) return;
  std::sort(ascending_.begin(), ascending_.end());
  std::vector<float>& edges = edges_[slot];
  edges.push_back(ascending_.front());
  for (uint64_t i = 1; i <= kDeciles; ++i) {
    edges.push_back(stats::quantile(std::span<const float>(ascending_), {i, kDeciles}));
  }
  for (size_t w = 0; w < setting_.windows->sequences(); ++w) {
    BoundaryWindow& window = windows_[slot * setting_.windows->sequences() + w];
    for (size_t i = w * positions(); i < (w + 1) * positions(); ++i) {
      if (!std::isfinite(margins_[i])) continue;
      // The bins are closed below and open above, the last one closed: as many inner edges as are
      // at or under the margin.
      const auto inner = std::span(edges).subspan(1, kDeciles - 1);
      const auto bin = static_cast<size_t>(
          std::upper_bound(inner.begin(), inner.end(), margins_[i]) - inner.begin());
      ++window.decile_tokens[bin];
      window.decile_mass[bin] += lost_[i];
    }
  }
}

std::vector<int> BoundaryRecord::required_layers() const {
  return setting_.parameters.contains("required_layers") ? setting_.some_layers("required_layers")
                                                         : setting_.layers;
}

std::span<const BoundaryWindow> BoundaryRecord::windows(size_t slot) const {
  const size_t count = setting_.windows->sequences();
  return {windows_.data() + slot * count, count};
}

std::span<const uint8_t> BoundaryRecord::thresholds_below(size_t slot, size_t window) const {
  return {thresholds_below_.data() + slot * all_positions() + window * positions(), positions()};
}

std::vector<std::string> BoundaryRecord::notes() const {
  std::vector<uint64_t> undefined;
  for (size_t slot = 0; slot < setting_.layers.size(); ++slot) {
    undefined.push_back(0);
    for (const BoundaryWindow& window : windows(slot)) undefined.back() += window.undefined;
  }
  return window_notes(setting_, undefined);
}

}  // namespace rg::experiments
