// From rows after the final norm to the logits of the next token: the unembedding's product, and
// what the model does to its result.
#pragma once

#include <span>

#include "kernels/product.h"
#include "model/model.h"

namespace rg::stream {

class OutputHead {
 public:
  OutputHead(const model::Model& model, kernels::Compute compute);

  // Rows of a call: always as many, so that a row's bits don't depend on the others.
  static uint32_t rows(const model::Model& model, kernels::Compute compute);
  const kernels::WeightProduct& product() const { return product_; }

  struct Weights {
    const kernels::PackedWeights* unembedding;
    std::span<const float> bias;  // (V) or empty
  };
  // in (rows, d) in the compute type -> out (rows, V). A failure is in `scratch`.
  void logits(const void* in, const Weights& weights, float* out,
              kernels::Scratch& scratch) const noexcept;

 private:
  const model::Model& model_;
  uint32_t rows_;  // of a call
  kernels::WeightProduct product_;
};

}  // namespace rg::stream
