#include "model/blocks/router.h"

namespace rg::model {

RouterProducts::RouterProducts(uint32_t experts, uint32_t width, std::span<const uint32_t> rows)
    : experts_(experts), width_(width), products_(width, experts, kernels::Compute::f32, rows) {}

RouterProducts::Packed RouterProducts::pack(const Router& router, std::span<const float> gain,
                                            WeightSource& source, std::byte* staging) const {
  Packed packed;
  packed.matrix = read_values(source, router.matrix);
  packed.logit_bias = read_values(source, router.logit_bias);
  packed.selection_bias = read_values(source, router.selection_bias);
  packed.per_expert_scale = read_values(source, router.per_expert_scale);
  packed.memory = Buffer<std::byte>(2 * products_.packed_bytes());
  packed.plain = products_.pack(packed.matrix.data(), packed.memory.data());
  auto* gained = reinterpret_cast<float*>(staging);
  for (size_t i = 0; i < packed.matrix.size(); ++i) {
    gained[i] = packed.matrix[i] * gain[i % width_];
  }
  packed.gained = products_.pack(gained, packed.memory.data() + products_.packed_bytes());
  return packed;
}

}  // namespace rg::model
