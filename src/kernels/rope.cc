#include "kernels/rope.h"

#include <cmath>

namespace rg::kernels {

RopeTable::RopeTable(std::span<const float> frequencies, float amplitude, uint32_t positions)
    : half_(static_cast<uint32_t>(frequencies.size())),
      cos_(size_t{positions} * half_),
      sin_(size_t{positions} * half_) {
  for (uint32_t i = 0; i < half_; ++i) {
    for (uint32_t p = 0; p < positions; ++p) {
      const float angle = static_cast<float>(p) * frequencies[i];
      cos_[size_t{p} * half_ + i] = static_cast<float>(std::cos(double{angle})) * amplitude;
      sin_[size_t{p} * half_ + i] = static_cast<float>(std::sin(double{angle})) * amplitude;
    }
  }
}

}  // namespace rg::kernels
