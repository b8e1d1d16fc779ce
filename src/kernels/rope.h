// Cosines and sines of rotary position embeddings, as Hugging Face computes them:
// angle = fp32(position * frequency); cos and sin of that angle in fp64, rounded to fp32, times the
// amplitude. Once per run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/buffer.h"

namespace rg::kernels {

class RopeTable {
 public:
  // `frequencies` (n/2).
  RopeTable(std::span<const float> frequencies, float amplitude, uint32_t positions);

  const float* cos(uint32_t position) const { return cos_.data() + position * size_t{half_}; }
  const float* sin(uint32_t position) const { return sin_.data() + position * size_t{half_}; }
  uint32_t rotated_dims() const { return 2 * half_; }
  size_t bytes() const { return cos_.bytes() + sin_.bytes(); }

 private:
  uint32_t half_;
  Buffer<float> cos_, sin_;  // (positions, n/2)
};

}  // namespace rg::kernels
