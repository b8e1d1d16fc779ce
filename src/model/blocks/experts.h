// Experts of one shape, a tile of tokens at a time: down(activation(gate y, up y)), with the
// group's projections to and from its latent around it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "kernels/product.h"
#include "model/blocks/arena.h"
#include "model/blocks/weight_products.h"
#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

struct PackedExpert {
  kernels::PackedWeights gate_up, down;   // gate above up: (2I, d), without gate (I, d); (d, I)
  Buffer<float> gate_up_bias, down_bias;  // empty without
};

// A LatentProjection, which all experts of a group use.
struct PackedLatent {
  Buffer<std::byte> memory;
  kernels::PackedWeights down, up;
};

class ExpertProducts {
 public:
  ExpertProducts(const MlpSpec& spec, uint32_t width, kernels::Compute compute);

  const MlpSpec& spec() const { return spec_; }
  size_t packed_bytes() const;  // of one expert
  // Rows of each tile but the last if a batch of `rows` rows is cut evenly into as few as possible.
  uint32_t tile_rows(size_t rows) const;
  size_t staging_bytes() const;
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const;
  // `shown`: room for gate, up and down in fp32, one after another, or null.
  PackedExpert pack(const Expert& expert, WeightSource& source, std::byte* memory,
                    std::byte* staging, float* shown) const;
  size_t latent_bytes() const;  // of a PackedLatent
  PackedLatent pack(const LatentProjection& latent, WeightSource& source, std::byte* staging) const;
  // in (tallest_tile(), d) compute type; out (tallest_tile(), d), of which `rows` rows count. At
  // most tile_rows() rows; what lies beyond them in `in` is overwritten. `latent`: null without
  // one.
  void run(const PackedExpert& weights, const PackedLatent* latent, uint32_t rows, std::byte* in,
           float* out, std::byte* scratch, kernels::Scratch& products) const noexcept;

 private:
  struct Buffers;
  void activate(float* gate_up, std::byte* hidden) const noexcept;
  void narrow_rows(const float* in, size_t values, std::byte* out) const noexcept;

  MlpSpec spec_;
  uint32_t width_, input_width_;  // d; of what an expert reads and writes
  uint32_t hidden_rows_;          // rows of gate and up together
  kernels::Compute compute_;
  std::vector<uint32_t> heights_;  // ascending
  WeightProducts gate_up_, down_;
  std::optional<WeightProducts> latent_down_, latent_up_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const Expert& expert, F&& f) {
  for (const Weight* weight :
       {&expert.gate, &expert.up, &expert.gate_up, &expert.gate_bias, &expert.up_bias,
        &expert.gate_up_bias, &expert.down, &expert.down_bias}) {
    if (*weight) f(*weight);
  }
}

template <typename F>
void for_each_weight(const LatentProjection& latent, F&& f) {
  f(latent.down);
  f(latent.up);
}

// Floating-point operations for one token.
double expert_flops(const MlpSpec& spec, uint32_t width);

}  // namespace rg::model
