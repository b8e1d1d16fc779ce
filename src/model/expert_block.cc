#include "model/expert_block.h"

#include <cstring>

#include "kernels/elementwise.h"

namespace rg::model {

using kernels::Compute;
using kernels::kTileRows;

ExpertShape::ExpertShape(const Model& model, Compute compute)
    : gate_up_(kTileRows, model.width, 2 * model.expert_width, compute),
      down_(kTileRows, model.expert_width, model.width, compute) {}

size_t ExpertShape::packed_bytes() const { return gate_up_.packed_bytes() + down_.packed_bytes(); }

ExpertTile::ExpertTile(const Model& model, Compute compute)
    : width_(model.width),
      expert_width_(model.expert_width),
      compute_(compute),
      input_(size_t{kTileRows} * width_ * compute_bytes(compute)),
      gate_up_(size_t{kTileRows} * 2 * expert_width_),
      hidden_(size_t{kTileRows} * expert_width_ * compute_bytes(compute)),
      output_(size_t{kTileRows} * width_) {
  std::memset(hidden_.data(), 0, hidden_.bytes());
}

size_t ExpertTile::bytes(const Model& model, Compute compute) {
  const size_t narrow = compute_bytes(compute);
  return size_t{kTileRows} *
         (model.width * (narrow + 4) + size_t{model.expert_width} * (2 * 4 + narrow));
}

void ExpertTile::run(const ExpertShape& shape, const ExpertWeights& weights, uint32_t rows,
                     kernels::Scratch& products) noexcept {
  const size_t row_bytes = size_t{width_} * compute_bytes(compute_);
  std::memset(input_.data() + rows * row_bytes, 0, (kTileRows - rows) * row_bytes);
  shape.gate_up().run(input_.data(), weights.gate_up, gate_up_.data(), products);
  for (uint32_t row = 0; row < kTileRows; ++row) {  // rows of zeros give silu(0) * 0 = 0
    const float* gate = gate_up_.data() + size_t{row} * 2 * expert_width_;
    const float* up = gate + expert_width_;
    const size_t at = size_t{row} * expert_width_;
    if (compute_ == Compute::bf16) {
      kernels::silu_times(gate, up, expert_width_, reinterpret_cast<bf16_t*>(hidden_.data()) + at);
    } else {
      kernels::silu_times(gate, up, expert_width_, reinterpret_cast<float*>(hidden_.data()) + at);
    }
  }
  shape.down().run(hidden_.data(), weights.down, output_.data(), products);
}

}  // namespace rg::model
