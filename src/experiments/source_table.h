// Which earlier layer writes what the gate reads: signed shares of each layer's attention and
// experts, at a few sampled positions per window, since only their parts are kept; and the same
// positions under a router of random directions, for the null shares.
#pragma once

#include <map>
#include <vector>

#include "experiments/common.h"

namespace rg::experiments {

// The sampled positions under a router of random directions.
struct NullShareRecord : Record {
  NullShareRecord(size_t layers, size_t windows);
  WindowValues share, signed_num, signed_den;
};

class SourceTable {
 public:
  SourceTable(const Setting& setting, uint32_t positions_per_window);

  // Every MoE layer, measured or not: later layers read its parts.
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block, const SequenceRows& window);
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block,
                 const SequenceRows& window);
  // At a measured layer; scratch buffers 0 (seq_len, d) and 1 (seq_len, E) per worker.
  void end_layer(const tap::LayerView& view, size_t slot, Scratch& scratch);

  struct Row {  // of one measured layer
    double embedding = kNaN;
    std::vector<double> attention, experts;  // by layer; NaN where it wasn't watched
    uint64_t positions = 0;
  };
  const std::vector<Row>& rows() const { return rows_; }
  const NullShareRecord& null() const { return null_; }
  uint32_t positions_per_window() const { return per_window_; }
  uint64_t bytes() const;

 private:
  struct Layer {
    std::vector<float> attention, update;  // (samples, d)
  };
  // Projections (samples, E), gain applied, of one part given row by row.
  using RowSource = std::function<const float*(size_t sample)>;
  void project(const tap::LayerView& view, const RowSource& source, const float* signs,
               std::vector<float>& out, Scratch& scratch) const;
  void tabulate(const tap::LayerView& view, size_t slot, Scratch& scratch);
  void measure_null(const tap::LayerView& view, size_t slot, Scratch& scratch);
  const float* embedding(const tap::LayerView& view, size_t sample) const;

  const Setting& setting_;
  const uint32_t per_window_, experts_;
  const size_t samples_;            // windows * per window
  std::vector<uint32_t> position_;  // (samples)
  std::map<int, Layer> layers_;     // by layer, all seen so far
  // Of the current layer:
  std::vector<float> attention_sum_, expert_sum_;  // (samples, d)
  std::vector<double> scale_;                      // (samples) 1/rms; NaN where undefined
  std::vector<float> logits_;                      // (samples, E), for the sigmoid's slope
  std::vector<Row> rows_;
  NullShareRecord null_;
};

}  // namespace rg::experiments
