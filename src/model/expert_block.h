// SwiGLU experts, one tile of kTileRows tokens at a time: down(silu(gate y) * (up y)).
#pragma once

#include <vector>

#include "kernels/product.h"
#include "model/model.h"

namespace rg::model {

struct ExpertWeights {
  kernels::PackedWeights gate_up, down;  // gate above up: (2I,d); (d,I)
};

class ExpertShape {
 public:
  ExpertShape(const Model& model, kernels::Compute compute);
  const kernels::WeightProduct& gate_up() const { return gate_up_; }
  const kernels::WeightProduct& down() const { return down_; }
  size_t packed_bytes() const;  // of one expert

 private:
  kernels::WeightProduct gate_up_, down_;
};

// One worker's tile: fill `input`, run, read `output`.
class ExpertTile {
 public:
  ExpertTile(const Model& model, kernels::Compute compute);
  static size_t bytes(const Model& model, kernels::Compute compute);

  std::byte* input() { return input_.data(); }            // (kTileRows,d) compute type
  const float* output() const { return output_.data(); }  // (kTileRows,d)
  // Rows past `rows` are zero-padded.
  void run(const ExpertShape& shape, const ExpertWeights& weights, uint32_t rows,
           kernels::Scratch& products) noexcept;

 private:
  uint32_t width_, expert_width_;
  kernels::Compute compute_;
  Buffer<std::byte> input_;
  Buffer<float> gate_up_;     // (kTileRows, 2I)
  Buffer<std::byte> hidden_;  // (kTileRows, I) compute type
  Buffer<float> output_;
};

}  // namespace rg::model
