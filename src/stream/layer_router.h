// The router products that an engine offers to experiments, on the lengths it has prepared.
#pragma once

#include <vector>

#include "model/blocks/block.h"
#include "stream/padded_lengths.h"
#include "tap/tap.h"

namespace rg::stream {

class LayerRouter : public tap::Router {
 public:
  // `scratch` holds one buffer of (longest, d) and (longest, E) floats and one product scratch per
  // worker.
  struct WorkerScratch {
    Buffer<float> rows, logits;
    kernels::Scratch* products;
  };
  LayerRouter(const PaddedLengths& lengths, const model::RouterProducts& products,
              const model::RouterProducts::Packed& weights, const model::NormWeights& norm,
              std::vector<WorkerScratch>& scratch)
      : lengths_(lengths), products_(products), weights_(weights), norm_(norm), scratch_(scratch) {}

  void project_raw(const float* in, size_t rows, float* out, int worker) const override;
  void project_gained(const float* in, size_t rows, float* out, int worker) const override;
  void logits_of_residual(const float* in, size_t rows, float* out, int worker) const override;
  // Of rows that are gate inputs already.
  void logits_of_gate_input(const float* in, size_t rows, float* out, int worker) const;

 private:
  void project(const kernels::PackedWeights& weights, const float* in, size_t rows, float* out,
               int worker) const;

  const PaddedLengths& lengths_;
  const model::RouterProducts& products_;
  const model::RouterProducts::Packed& weights_;
  const model::NormWeights& norm_;
  std::vector<WorkerScratch>& scratch_;
};

}  // namespace rg::stream
