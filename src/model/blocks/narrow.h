// fp32 values to the compute type of a product.
#pragma once

#include <cstring>

#include "kernels/elementwise.h"
#include "kernels/product.h"

namespace rg::model {

inline void narrow(const float* in, size_t n, float* out) noexcept {
  std::memcpy(out, in, n * sizeof(float));
}
inline void narrow(const float* in, size_t n, bf16_t* out) noexcept {
  kernels::round_to_bf16(in, n, out);
}
// Row `row` of `out` (., n).
inline void narrow_row(kernels::Compute compute, const float* in, size_t n, size_t row,
                       std::byte* out) noexcept {
  if (compute == kernels::Compute::bf16) {
    narrow(in, n, reinterpret_cast<bf16_t*>(out) + row * n);
  } else {
    narrow(in, n, reinterpret_cast<float*>(out) + row * n);
  }
}

}  // namespace rg::model
