#include "experiments/key_sample_record.h"

#include <algorithm>

#include "base/error.h"
#include "experiments/key_sample.h"

namespace rg::experiments {

KeySampleRecord::KeySampleRecord(std::span<const tap::SequenceSet* const> sets, uint64_t seed,
                                 uint32_t per_window, Step step)
    : step_(step) {
  for (uint32_t s = 0; s < sets.size(); ++s) {
    Set& set = sets_.emplace_back(Set{.set = sets[s], .first = {}});
    uint32_t start = 0;  // of the sequence, in rows of the set
    for (uint32_t w = 0; w < set.set->sequences(); ++w) {
      const uint32_t length = set.set->lengths[w];
      set.first.push_back(row_.size());
      for (const uint32_t position : sampled_key_positions(seed, s, w, length, per_window)) {
        row_.push_back({.set = s, .row = start + position});
      }
      start += length;
    }
    set.first.push_back(row_.size());
    set.first.shrink_to_fit();
  }
  row_.shrink_to_fit();
}

uint64_t KeySampleRecord::index_bytes() const {
  uint64_t bytes = row_.size() * sizeof(Place);
  for (const Set& set : sets_) bytes += set.first.size() * sizeof(size_t);
  return bytes;
}

void KeySampleRecord::begin(const tap::KeyView& view) {
  heads_ = view.kv_heads;
  width_ = view.key_width;
  keys_ = {};
  keys_ = Buffer<float>(rows() * heads_ * width_);
}

void KeySampleRecord::add(const tap::KeyBlock& block) {
  const float* const keys = block.keys.*step_;
  check_internal(keys != nullptr, "the layer's keys have the step that is sampled");
  const auto at = std::find_if(sets_.begin(), sets_.end(),
                               [&](const Set& set) { return set.set == block.set; });
  if (at == sets_.end()) return;
  const size_t end = at->first[block.first_sequence + block.sequences];
  for (size_t row = at->first[block.first_sequence]; row < end; ++row) {
    const float* const from = keys + (row_[row].row - block.first_row) * heads_ * width_;
    for (uint32_t h = 0; h < heads_; ++h) {
      std::copy_n(from + size_t{h} * width_, width_,
                  keys_.data() + (size_t{h} * rows() + row) * width_);
    }
  }
}

std::span<const float> KeySampleRecord::keys(uint32_t head) const {
  return keys_.span().subspan(size_t{head} * rows() * width_, rows() * width_);
}

}  // namespace rg::experiments
