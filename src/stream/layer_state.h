// What a LayerPass holds while it runs: each worker's buffers, the requests of a block, the
// current layer. Private to the layer_*.cc files.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stream/layer_pass.h"

namespace rg::stream {

// One worker's buffers. Block buffers hold the rows of the largest block.
struct LayerPass::Worker {
  int index;
  kernels::Scratch products;
  Buffer<std::byte> mixer, normed;                                 // of one call of the mixer
  Buffer<std::byte> key_change;                                    // KeyChangeCall::scratch
  Buffer<std::byte> tile_in, tile;                                 // of one tile of an expert
  Buffer<float> tile_out;                                          // (tallest_tile(), d)
  Buffer<float> padded_out;                                        // (rows of a call, d)
  Buffer<float> residual, residual_in, attention_out, gate_input;  // (block rows, d)
  // (block rows, d), where parts are spilled
  Buffer<float> attention_sum, expert_sum, update, lone_mixers;
  Buffer<std::byte> narrow;  // (block rows, d) compute type
  Buffer<float> logits, scores, margins, logit_margins;
  // Of other models' gates: (gates, block rows, E) and (gates, block rows, k+1); of one row.
  Buffer<float> other_logits, other_scores, other_weights;
  Buffer<int32_t> other_ranked;
  std::vector<tap::OtherGate> other_gates;
  Buffer<float> update_row;             // (d)
  std::vector<const float*> embedding;  // (block rows)
  std::vector<Assignment> every_row;    // (tallest_tile()), for experts that compute all rows

  Worker(int index_, const model::Model& model, const model::ModelProducts& prepared,
         uint32_t longest, uint32_t call_rows, const Settings& settings, size_t block_rows,
         const tap::Needs& needs)
      : index(index_),
        mixer(prepared.mixer_scratch_bytes()),
        normed(size_t{call_rows} * model.width * compute_bytes(settings.compute)),
        key_change(settings.intervention ? settings.intervention->key_scratch_bytes(model, longest)
                                         : 0),
        tile_in(size_t{kernels::tallest_tile(settings.compute)} * model.width *
                compute_bytes(settings.compute)),
        tile(prepared.expert_scratch_bytes()),
        tile_out(size_t{kernels::tallest_tile(settings.compute)} * model.width),
        padded_out(size_t{call_rows} * model.width),
        residual(block_rows * model.width),
        residual_in(needs.residual_in ? block_rows * model.width : 0),
        attention_out(block_rows * model.width),
        gate_input(block_rows * model.width),
        attention_sum(needs.parts ? block_rows * model.width : 0),
        expert_sum(needs.parts ? block_rows * model.width : 0),
        update(block_rows * model.width),
        lone_mixers(sums_lone_mixers(model, needs) ? block_rows * model.width : 0),
        narrow(block_rows * model.width * compute_bytes(settings.compute)),
        logits(block_rows * prepared.experts()),
        scores(block_rows * prepared.experts()),
        margins(block_rows),
        logit_margins(block_rows),
        other_logits(settings.other_models.size() * block_rows * prepared.experts()),
        other_scores(prepared.experts()),
        other_weights(model.gate().top_k),
        other_ranked(settings.other_models.size() * block_rows * (model.gate().top_k + 1)),
        update_row(model.width),
        embedding(block_rows),
        every_row(kernels::tallest_tile(settings.compute)) {}
};

// What an observer asked for in one block.
struct LayerPass::PendingRequests : tap::OutputRequests {
  struct Request {
    uint32_t row;           // of the run
    uint32_t first, count;  // in experts
    int32_t slot = -1;      // of the first expert's output
  };
  uint32_t set_first_row = 0;
  std::vector<Request> requests;
  std::vector<int32_t> experts;

  void add(size_t row, std::span<const int32_t> wanted) override {
    requests.push_back({.row = set_first_row + static_cast<uint32_t>(row),
                        .first = static_cast<uint32_t>(experts.size()),
                        .count = static_cast<uint32_t>(wanted.size())});
    experts.insert(experts.end(), wanted.begin(), wanted.end());
  }
};

// One layer while it runs. In a dense layer `gate`, `view` and `schedule` are empty.
struct LayerPass::LayerState {
  LayerState(const model::Layer& layer, const model::LayerProducts& products_,
             const MixerSlice& slice_, const LayerIntervention* intervention_,
             const LayerKeyChange* key_change_)
      : router(layer.router ? &*layer.router : nullptr),
        intervention(intervention_),
        key_change(key_change_),
        groups(layer.groups),
        products(products_),
        slice(&slice_) {}

  const model::Router* router;            // null in a dense layer
  const LayerIntervention* intervention;  // null: routes are the gate's own
  const LayerKeyChange* key_change;       // null: keys and values are the mixer's own
  std::span<const model::ExpertGroup> groups;
  const model::LayerProducts& products;
  const MixerSlice* slice;
  std::optional<LayerRouter> gate;
  std::vector<LayerRouter> other_gates;
  tap::LayerView view = {};
  std::unique_ptr<ExpertSchedule> schedule;
};

// in (rows, width) -> out (rows, width); in == out allowed.
inline void norm_rows(const model::NormWeights& norm, const float* in, size_t rows, float* out) {
  for (size_t at = 0; at < rows * norm.width(); at += norm.width()) norm.apply(in + at, out + at);
}

inline float* floats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }
inline std::byte* bytes_of(float* values) { return reinterpret_cast<std::byte*>(values); }

}  // namespace rg::stream
