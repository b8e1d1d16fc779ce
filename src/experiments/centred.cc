#include "experiments/centred.h"

#include <algorithm>
#include <cmath>

#include "stats/pinned_math.h"

namespace rg::experiments {

double sigmoid_slope(double z) {
  constexpr double kFlat = 1e-6, kSaturated = 700;
  const double size = std::fabs(z);
  if (size < kFlat) return 0.25;
  const double e = stats::pinned_exp(-std::min(size, kSaturated));
  return (1 - e) / (1 + e) / (2 * size);
}

}  // namespace rg::experiments
