#include "kernels/rope.h"

#include <cmath>

namespace rg::kernels {

RopeTable::RopeTable(float base, uint32_t rotated_dims, uint32_t positions)
    : half_(rotated_dims / 2), cos_(size_t{positions} * half_), sin_(size_t{positions} * half_) {
  for (uint32_t i = 0; i < half_; ++i) {
    // The reference divides exponents in fp32, raises in fp32 and inverts in fp32.
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotated_dims);
    const float power = static_cast<float>(std::pow(double{base}, double{exponent}));
    const float inverse = 1.0f / power;
    for (uint32_t p = 0; p < positions; ++p) {
      const float angle = static_cast<float>(p) * inverse;
      cos_[size_t{p} * half_ + i] = static_cast<float>(std::cos(double{angle}));
      sin_[size_t{p} * half_ + i] = static_cast<float>(std::sin(double{angle}));
    }
  }
}

}  // namespace rg::kernels
