// The keys of a sample of positions, of one layer at a time: what a reduction in the observer's
// end_keys reads. Filled concurrently; the order of rows is that of sets, windows and positions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tap/tap.h"
#include "tensor/buffer.h"

namespace rg::experiments {

class KeySampleRecord {
 public:
  // The step of the keys that is kept: a member of tap::KeySteps.
  using Step = const float* tap::KeySteps::*;

  // At most `per_window` positions of each sequence of the sets, see key_sample.h.
  KeySampleRecord(std::span<const tap::SequenceSet* const> sets, uint64_t seed, uint32_t per_window,
                  Step step);

  size_t rows() const { return row_.size(); }
  // For tap::Needs: held_key_rows is rows(), held_bytes is this.
  uint64_t index_bytes() const;

  void begin(const tap::KeyView& view);  // in begin_keys: memory for the layer
  void add(const tap::KeyBlock& block);  // in on_keys
  void release() { keys_ = {}; }         // when the layer is reduced
  bool holds_a_layer() const { return keys_.size() != 0; }

  // (rows, key_width) of head `head`.
  std::span<const float> keys(uint32_t head) const;
  // Where row `row` comes from: the set's index, and the row within it.
  struct Place {
    uint32_t set, row;
  };
  Place place(size_t row) const { return row_[row]; }

 private:
  struct Set {
    const tap::SequenceSet* set;
    std::vector<size_t> first;  // (sequences + 1): first sampled row of each
  };

  std::vector<Set> sets_;
  std::vector<Place> row_;
  Step step_;
  uint32_t heads_ = 0, width_ = 0;
  Buffer<float> keys_;  // (heads, rows, width)
};

}  // namespace rg::experiments
