#include "keys/rotary_turn.h"

#include <cmath>

namespace rg::keys {

RotaryTurn::RotaryTurn(const RotaryPlanes& planes, double factor, uint32_t positions)
    : pairs_(planes.pairs) {
  cosines_.reserve(positions * pairs_.size());
  sines_.reserve(positions * pairs_.size());
  for (uint32_t position = 0; position < positions; ++position) {
    for (const double frequency : planes.frequencies) {
      const float angle = static_cast<float>(position) * static_cast<float>(frequency);
      cosines_.push_back(factor * std::cos(double{angle}));
      sines_.push_back(factor * std::sin(double{angle}));
    }
  }
}

void RotaryTurn::turn(uint32_t position, std::span<double> change) const {
  const size_t first = position * pairs_.size();
  for (size_t p = 0; p < pairs_.size(); ++p) {
    double &a = change[pairs_[p][0]], &b = change[pairs_[p][1]];
    const double x = a, y = b, c = cosines_[first + p], s = sines_[first + p];
    a = x * c - y * s;
    b = x * s + y * c;
  }
}

}  // namespace rg::keys
