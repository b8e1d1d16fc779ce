// The router products that an engine offers to experiments, on the shapes it has prepared.
#pragma once

#include <map>
#include <vector>

#include "model/attention_block.h"
#include "tap/tap.h"

namespace rg::stream {

// Prepared products per sequence length, and the length that a prompt is padded to.
class Shapes {
 public:
  Shapes(const model::Model& model, kernels::Compute compute,
         std::span<const tap::SequenceSet* const> sets);
  const model::AttentionShape& of_length(uint32_t length) const;
  const model::AttentionShape& main() const { return *main_; }  // packs the weights
  uint32_t longest() const { return longest_; }                 // padded
  size_t scratch_bytes() const;                                 // of any product

 private:
  std::map<uint32_t, model::AttentionShape> by_rows_;
  std::map<uint32_t, uint32_t> rows_of_length_;
  const model::AttentionShape* main_ = nullptr;
  uint32_t longest_ = 0;
};

class LayerRouter : public tap::Router {
 public:
  // `scratch` holds one buffer of (longest, d + E) floats and one product scratch per worker.
  struct WorkerScratch {
    Buffer<float> rows, logits;
    kernels::Scratch* products;
  };
  LayerRouter(const model::Model& model, const Shapes& shapes,
              const model::AttentionWeights& weights, std::vector<WorkerScratch>& scratch)
      : model_(model), shapes_(shapes), weights_(weights), scratch_(scratch) {}

  void project_raw(const float* in, size_t rows, float* out, int worker) const override;
  void project_gained(const float* in, size_t rows, float* out, int worker) const override;
  void logits_of_residual(const float* in, size_t rows, float* out, int worker) const override;
  // Of rows that are gate inputs already.
  void logits_of_gate_input(const float* in, size_t rows, float* out, int worker) const {
    project_raw(in, rows, out, worker);
  }

 private:
  void project(const kernels::PackedWeights& weights, const float* in, size_t rows, float* out,
               int worker) const;

  const model::Model& model_;
  const Shapes& shapes_;
  const model::AttentionWeights& weights_;
  std::vector<WorkerScratch>& scratch_;
};

}  // namespace rg::stream
