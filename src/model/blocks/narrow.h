// fp32 values to the compute type of a product.
#pragma once

#include <cstring>

#include "kernels/elementwise.h"

namespace rg::model {

inline void narrow(const float* in, size_t n, float* out) noexcept {
  std::memcpy(out, in, n * sizeof(float));
}
inline void narrow(const float* in, size_t n, bf16_t* out) noexcept {
  kernels::round_to_bf16(in, n, out);
}

}  // namespace rg::model
