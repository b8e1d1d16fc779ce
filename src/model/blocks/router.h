// The router's product W c, in fp32 always, for the rows of whole sequences.
#pragma once

#include "model/blocks/weight_products.h"
#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

class RouterProducts {
 public:
  // Kept apart from the slot of the large matrices: experiments ask for router products until the
  // layer ends, when that slot already holds other slices.
  struct Packed {
    Buffer<std::byte> memory;
    kernels::PackedWeights plain, gained;      // W and W diag(gain)
    Buffer<float> matrix;                      // W (E, d)
    Buffer<float> per_expert_scale;            // (E) or empty
    Buffer<float> logit_bias, selection_bias;  // (E) or empty
  };

  RouterProducts(uint32_t experts, uint32_t width, std::span<const uint32_t> rows);

  uint32_t experts() const { return experts_; }
  size_t staging_bytes() const { return products_.raw_bytes(); }
  size_t product_scratch_bytes() const { return products_.product_scratch_bytes(); }
  // `gain` (d): of the norm in front of the router.
  Packed pack(const Router& router, std::span<const float> gain, WeightSource& source,
              std::byte* staging) const;
  // in (rows, d) -> out (rows, E), without the logit bias.
  void run(const kernels::PackedWeights& weights, uint32_t rows, const float* in, float* out,
           kernels::Scratch& scratch) const noexcept {
    products_.of(rows).run(in, weights, out, scratch);
  }

 private:
  uint32_t experts_, width_;
  WeightProducts products_;
};

template <typename F>
void for_each_weight(const Router& router, F&& f) {
  for (const Weight* weight :
       {&router.matrix, &router.logit_bias, &router.selection_bias, &router.per_expert_scale}) {
    if (*weight) f(*weight);
  }
}

}  // namespace rg::model
