// What a LayerPass holds while it runs: each worker's buffers, the requests of a block, the
// current layer. Private to the layer_*.cc files.
#pragma once

#include <memory>
#include <vector>

#include "stream/layer_pass.h"

namespace rg::stream {

// One worker's buffers. Block buffers hold the rows of the largest block.
struct LayerPass::Worker {
  int index;
  kernels::Scratch products;
  model::AttentionScratch attention;
  model::ExpertTile tile;
  Buffer<float> padded_out;                                        // (longest, d)
  Buffer<float> residual, residual_in, attention_out, gate_input;  // (block rows, d)
  Buffer<float> attention_sum, expert_sum, update;  // (block rows, d), where parts are spilled
  Buffer<std::byte> narrow;                         // (block rows, d) compute type
  Buffer<float> logits, scores, margins, logit_margins;
  Buffer<float> update_row;             // (d)
  std::vector<const float*> embedding;  // (block rows)

  Worker(int index_, const model::Model& model, const Shapes& shapes, kernels::Compute compute,
         size_t block_rows, const tap::Needs& needs)
      : index(index_),
        attention(model, shapes.longest(), compute),
        tile(model, compute),
        padded_out(size_t{shapes.longest()} * model.width),
        residual(block_rows * model.width),
        residual_in(needs.residual_in ? block_rows * model.width : 0),
        attention_out(block_rows * model.width),
        gate_input(block_rows * model.width),
        attention_sum(needs.parts ? block_rows * model.width : 0),
        expert_sum(needs.parts ? block_rows * model.width : 0),
        update(block_rows * model.width),
        narrow(block_rows * model.width * compute_bytes(compute)),
        logits(block_rows * model.gate.experts),
        scores(block_rows * model.gate.experts),
        margins(block_rows),
        logit_margins(block_rows),
        update_row(model.width),
        embedding(block_rows) {}
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

// One layer while it runs.
struct LayerPass::LayerState {
  const AttentionSlice* slice;
  LayerRouter router;
  tap::LayerView view;
  std::unique_ptr<ExpertSchedule> schedule;
};

inline float* floats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }
inline std::byte* bytes_of(float* values) { return reinterpret_cast<std::byte*>(values); }

}  // namespace rg::stream
