// What key_only_router keeps of a layer's sampled rows, filled concurrently from the taps, and of
// the MoE layer before it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/key_only_split.h"
#include "tap/tap.h"
#include "tensor/buffer.h"

namespace rg::experiments {

// Test rows whose residual is kept, to ask whether their keys determine their route.
inline constexpr uint32_t kDeterminedRows = 512;

class RouterRows {
 public:
  // `rows_each` sampled positions of every window of the set.
  RouterRows(const RouterSplit& split, const tap::SequenceSet& windows, uint32_t rows_each,
             uint64_t seed);

  uint64_t index_bytes() const;
  // For tap::Needs, without what goes by heads: of a model of this width and number of experts.
  uint64_t row_bytes(uint32_t width, uint32_t experts) const;
  size_t rows() const { return ids.size(); }

  void begin_gate(const tap::LayerView& view);  // in begin_layer, of every MoE layer
  void begin(const tap::KeyView& view);         // in begin_keys, of a measured layer
  void add(const tap::KeyView& view, const tap::KeyBlock& block);
  void add(const tap::LayerView& view, const tap::GateBlock& block);
  void release();   // what begin() took
  void end_gate();  // gate inputs become those of the layer before
  bool holds_keys() const { return keys.size() != 0; }

  // All (rows, .), fp32.
  std::vector<int32_t> ids;
  Buffer<float> previous;  // gate inputs of the MoE layer before; empty in the first
  Buffer<float> gate_input, logits;
  Buffer<float> keys;      // all KV heads, rounded to bf16; of a latent the latent, then the
                           // shared part
  Buffer<float> values;    // rounded to bf16; empty where a latent is cached
  Buffer<float> residual;  // what attention reads
  Buffer<float> raw;       // (determined_rows, d) the residual stream of some test rows
  uint32_t key_columns = 0, value_columns = 0;
  std::vector<uint32_t> key_parts;  // columns that share a scale of the 1-bit code
  uint32_t determined_rows = 0;

 private:
  template <typename Body>
  void each_row(const tap::Block& block, const Body& body) const;

  const RouterSplit& split_;
  uint32_t rows_each_;
  std::vector<uint32_t> positions_;  // (windows, rows_each)
  std::vector<int32_t> raw_slot_;    // (rows) row of `raw`; -1: none
};

}  // namespace rg::experiments
