// Seeded values for kernel tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace rg::kernels {

// Box-Muller on Philox words: normal values of the given standard deviation.
inline std::vector<float> random_normal(size_t n, float deviation, uint64_t seed) {
  std::vector<float> out(n);
  for (uint32_t i = 0; i < n; ++i) {
    const double u = (draw_word(seed, Purpose::audit, {i, 0, 0}, 0) + 0.5) * 0x1p-32;
    const double v = draw_word(seed, Purpose::audit, {i, 1, 0}, 0) * 0x1p-32;
    out[i] = deviation *
             static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  return out;
}

}  // namespace rg::kernels
