// The exact decomposition of gate scores into parts, position by position (attention_router,
// statistics 1 to 5). One object serves one layer after another.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "experiments/common.h"
#include "experiments/parts.h"
#include "experiments/token_projections.h"

namespace rg::experiments {

// What the artifact keeps. Of the arrays by part and by subset only those are used that the
// artifact has.
struct DecompositionRecord : Record {
  DecompositionRecord(size_t layers, size_t windows, size_t experts, size_t parts);

  std::array<WindowValues, kMaxParts> norm_share, signed_num, signed_num_varying, margin_part;
  WindowValues signed_den, signed_den_varying, margin_total;
  std::array<WindowValues, kSubsets> val, val_mean_replaced;
  WindowValues agreement_top1, agreement_topk, published_ratio;
  WindowCounts undefined;
  WindowCounts agreement_positions;  // neither the embedding nor the rest is zero there

  struct Layer {
    std::vector<uint64_t> expert_counts, embedding_top1, rest_top1, embedding_topk, rest_topk;
    double val_empty = kNaN;  // sum c_e^2 / (k N^2)
    double max_error = 0, scale = 0, ratio = 0;
  };
  std::vector<Layer> layers;
};

class Decomposition {
 public:
  Decomposition(const Setting& setting, const TokenIndex& tokens, size_t layers);
  ~Decomposition();

  void begin_layer(const tap::LayerView& view, Scratch& scratch);
  // One window: statistics 1 to 5 with removed parts left out.
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block, const SequenceRows& window,
               size_t slot, Scratch& scratch);
  void on_gates_done(const tap::LayerView& view);  // corpus means of the parts, in window order
  // One window: statistic 4 with removed parts replaced by their corpus means.
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block,
                 const SequenceRows& window);
  void end_layer(const tap::LayerView& view, size_t slot);

  size_t parts() const { return has_bias_ ? kMaxParts : kMixParts; }
  const DecompositionRecord& record() const { return record_; }
  const TokenProjections& tokens() const { return projections_; }
  uint64_t bytes() const;

 private:
  struct Position;     // one position's contributions
  struct WindowState;  // sums of one window
  struct WorkerState;  // integer counts of one worker, and buffers of one position

  struct Means;  // corpus means of the parts

  float* stored(size_t row, size_t which);
  void find_subsets(const tap::LayerView& view, WindowState& sums, WorkerState& worker,
                    const std::array<const float*, kMixParts>& gained, const Gram& gram,
                    const int32_t* ranked, uint32_t token);
  // The gate's choice for the sum of three gained projections.
  void choose(const tap::LayerView& view, const std::array<const float*, kMixParts>& gained,
              double scale, WorkerState& worker, std::span<int32_t> top) const;
  void add_shares(const tap::LayerView& view, WindowState& sums, WorkerState& worker,
                  const std::array<const float*, kMixParts>& gained, double scale,
                  const float* logits, const float* scores, const int32_t* ranked);

  const Setting& setting_;
  const TokenIndex& token_index_;
  TokenProjections projections_;
  const uint32_t experts_, k_, positions_;
  const size_t windows_;
  const bool has_bias_;
  DecompositionRecord record_;
  std::vector<float> logit_bias_;       // (E); zero where the gate has none
  std::vector<float> zeros_;            // (E)
  std::vector<int32_t> embedding_top_;  // (distinct ids, k): what an embedding alone selects
  std::vector<float> gained_;           // (rows, 2, E): attention, experts
  std::vector<Gram> gram_;              // (windows, T)
  std::vector<uint8_t> defined_;        // (windows, T)
  std::vector<float> part_sums_;        // (windows, 2, d): attention, experts
  std::vector<WindowState> window_;
  std::vector<WorkerState> workers_;
  std::unique_ptr<Means> means_;
};

}  // namespace rg::experiments
