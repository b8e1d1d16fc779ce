// All sequences through one layer: mixer and gate block by block, then the expert slices in order,
// then what experiments see of the update. Owns every buffer of a run; nothing is allocated between
// layers.
#pragma once

#include <optional>
#include <vector>

#include "model/blocks/block.h"
#include "stream/expert_schedule.h"
#include "stream/key_tap.h"
#include "stream/layer_router.h"
#include "stream/padded_lengths.h"
#include "stream/pass.h"
#include "stream/row_store.h"
#include "stream/sequences.h"
#include "stream/slice_reader.h"
#include "stream/token_tables.h"

namespace rg::stream {

// What all observers together ask for.
tap::Needs combined_needs(std::span<tap::Observer* const> observers);

// Whether what layers without a feed-forward part add is kept for the next gate's view.
bool sums_lone_mixers(const model::Model& model, const tap::Needs& needs);

class LayerPass {
 public:
  LayerPass(const model::Model& model, std::span<const tap::SequenceSet* const> sets,
            std::span<tap::Observer* const> observers, const Settings& settings, const Plan& plan,
            const PaddedLengths& lengths, const model::ModelProducts& products,
            TokenTables& tables);
  ~LayerPass();

  void begin();                       // the residual starts as the embedding
  void mix(const MixerSlice& slice);  // up to the gate
  void experts(const ExpertSlice& slice);
  void finish_layer();  // after the last expert slice
  // Rows of the residual; `scratch` as for RowStore::load.
  const float* residual(size_t first, size_t rows, float* scratch) const;

  const std::vector<Sequence>& sequences() const { return sequences_; }

 private:
  struct Worker;
  struct LayerState;
  struct PendingRequests;

  void mix_block(const BlockRange& block, Worker& worker, float* residual);
  void run_mixer(const BlockRange& block, Worker& worker, float* residual);
  void call_mixer(const BlockRange& call, Worker& worker, const float* residual, float* added);
  void norm_call(const BlockRange& call, const model::CallShape& shape, Worker& worker,
                 const float* residual, float* kept) const;
  void norm_row(const model::NormWeights& norm, const float* row, Worker& worker,
                std::byte* out) const;
  void join_lone_mixers(const BlockRange& block, Worker& worker, const float* residual);
  void norm_gate_input(const BlockRange& block, Worker& worker, const float* residual);
  void weigh_shared_experts(const BlockRange& block, const Worker& worker);
  void route(const BlockRange& block, Worker& worker);
  void gate_logits(const LayerRouter& gate, const BlockRange& block, const Worker& worker,
                   float* logits) const;
  void ask_other_gates(const BlockRange& block, Worker& worker) const;
  void show_gate(size_t block_index, const BlockRange& block, Worker& worker, float* residual);
  void schedule();
  void compute_tile(uint32_t group, const model::PackedExpert& expert,
                    std::span<const Assignment> rows, Worker& worker);
  std::span<const Assignment> all_rows_tile(const ExpertSlice& slice, uint32_t expert,
                                            uint32_t first_row, uint32_t rows,
                                            Worker& worker) const;
  void commit_tile(std::span<const Assignment> rows, Worker& worker);
  void update_block(const BlockRange& block, Worker& worker);
  void show_experts(const ExpertSlice& slice) const;
  void deliver_outputs();
  tap::Block view(const BlockRange& block, int worker) const;
  // Points `shown` to the parts of the residual; returns the experts' sum, to be added to.
  template <typename Shown>
  float* show_parts(const BlockRange& block, Worker& worker, Shown& shown) const;
  bool watches(const tap::Observer& observer, const tap::SequenceSet* set) const;
  void throw_if_a_product_failed() const;
  ScratchFile* open_spill();

  const model::Model& model_;
  std::span<const tap::SequenceSet* const> sets_;
  std::span<tap::Observer* const> observers_;
  const Settings& settings_;
  const PaddedLengths& lengths_;
  const model::ModelProducts& products_;
  TokenTables& tables_;
  const tap::Needs needs_;

  std::vector<Sequence> sequences_;
  std::vector<BlockRange> blocks_;
  size_t rows_ = 0;
  uint64_t output_rows_ = 0;

  std::optional<ScratchFile> spill_;
  RowStore residual_, update_, gate_inputs_, attention_sum_, expert_sum_, outputs_, lone_mixers_;
  bool after_lone_mixer_ = false;  // the layer before has no feed-forward part
  Buffer<int32_t> ranked_;         // (rows, k+1) of the current layer
  Buffer<float> weights_;          // (rows, k)
  Buffer<float> token_weights_;    // (groups, rows): what a shared expert's output is multiplied by

  std::vector<Worker> workers_;
  KeyTap key_tap_;
  std::vector<LayerRouter::WorkerScratch> router_scratch_;
  std::vector<PendingRequests> pending_;  // per observer and block
  std::unique_ptr<LayerState> layer_;
};

}  // namespace rg::stream
