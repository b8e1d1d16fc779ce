// Rotary position embedding, half-split pairing (pairs i and i + n/2), as Hugging Face computes
// it: inv_i = base^(-2i/n) rounded to fp32, angle = fp32(position * inv_i); cos and sin of that
// angle in fp64, rounded to fp32. Once per run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/buffer.h"

namespace rg::kernels {

class RopeTable {
 public:
  RopeTable(float base, uint32_t rotated_dims, uint32_t positions);

  const float* cos(uint32_t position) const { return cos_.data() + position * size_t{half_}; }
  const float* sin(uint32_t position) const { return sin_.data() + position * size_t{half_}; }
  uint32_t rotated_dims() const { return 2 * half_; }
  size_t bytes() const { return cos_.bytes() + sin_.bytes(); }

 private:
  uint32_t half_;
  Buffer<float> cos_, sin_;  // (positions, n/2)
};

}  // namespace rg::kernels
