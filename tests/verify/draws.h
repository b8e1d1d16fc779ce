// Numbers for synthetic artifacts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/random.h"

namespace rg::verify::testing {

// A stream of draws of one artifact.
class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}
  uint32_t below(uint32_t n) { return draw_below(n, seed_, Purpose::audit, {next_++, 0, 0}); }
  // A count around center * whole, as a share of whole.
  double share(double center, double spread, uint32_t whole) {
    const auto n = static_cast<double>(whole);
    return std::clamp(std::round(around(center, spread) * n), 0.0, n) / n;
  }
  // Around `center`, four digits, so that artifacts stay small.
  double around(double center, double spread) {
    return std::round((center + spread * (below(2001) / 1000.0 - 1)) * 1e4) / 1e4;
  }

 private:
  uint64_t seed_;
  uint32_t next_ = 0;
};

}  // namespace rg::verify::testing
