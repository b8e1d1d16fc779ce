// Whole contexts of a sample of queries, of one layer at a time: the keys and values of some
// windows up to the last sampled query of each, head by head, and those queries; keys as they enter
// the scores, and once more as they are stored, if that is at an earlier step. Filled concurrently;
// the order is that of windows and positions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/key_sample_record.h"
#include "keys/attention_distortion.h"
#include "tap/tap.h"
#include "tensor/buffer.h"

namespace rg::experiments {

class KvContextRecord {
 public:
  // `windows` of the set, ascending; at most `per_window` queries of each, at the sampled positions
  // of key_sample.h for set 0. `stored`: the step at which keys are stored.
  KvContextRecord(const tap::SequenceSet& set, std::span<const uint32_t> windows, uint64_t seed,
                  uint32_t per_window, KeySampleRecord::Step stored);

  struct Context {
    uint32_t window;
    std::vector<uint32_t> positions;      // of its queries, ascending
    size_t first_row, rows, first_query;  // within the record
    size_t row_in_set;                    // of the window's first token
  };
  const std::vector<Context>& contexts() const { return contexts_; }
  size_t rows() const { return rows_; }  // of keys, and as many of values
  size_t key_rows() const { return earlier() ? 2 * rows_ : rows_; }  // that a layer takes
  size_t queries() const { return queries_; }                        // of each query head
  uint64_t index_bytes() const;

  void begin(const tap::KeyView& view);  // in begin_keys: memory for the layer
  void add(const tap::KeyBlock& block);  // in on_keys: keys and queries as scored
  void release();
  bool holds_a_layer() const { return keys_.size() != 0; }
  bool finite(float largest) const;  // no entry larger in size, nor NaN

  keys::HeadRows rows_of(const Context& context, uint32_t kv_head) const;  // keys as scored
  std::span<const float> stored_keys(const Context& context, uint32_t kv_head) const;
  // `at`: index into the context's positions.
  std::span<const float> query(const Context& context, size_t at, uint32_t head) const;

 private:
  bool earlier() const { return stored_ != &tap::KeySteps::scored; }

  const tap::SequenceSet* set_;
  const KeySampleRecord::Step stored_;
  std::vector<Context> contexts_;
  size_t rows_ = 0, queries_ = 0;
  uint32_t heads_ = 0, kv_heads_ = 0, key_width_ = 0, value_width_ = 0;
  Buffer<float> keys_;         // (kv_heads, rows, key_width)
  Buffer<float> stored_keys_;  // the same, empty if keys_ are those
  Buffer<float> values_;       // (kv_heads, rows, value_width)
  Buffer<float> samples_;      // (queries, heads, key_width)
};

}  // namespace rg::experiments
