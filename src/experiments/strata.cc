#include "experiments/strata.h"

#include <algorithm>
#include <cmath>

#include "stats/order.h"

namespace rg::experiments {
namespace {

constexpr stats::Fraction kBoundaryQuantile{1, 10}, kInteriorQuantile{1, 2}, kHighQuantile{9, 10};

}  // namespace

Strata stratify(std::span<const float> margins) {
  Strata strata;
  strata.of_position.assign(margins.size(), 0);
  std::vector<float> sorted;
  sorted.reserve(margins.size());
  std::copy_if(margins.begin(), margins.end(), std::back_inserter(sorted),
               [](float margin) { return std::isfinite(margin); });
  strata.undefined = static_cast<uint32_t>(margins.size() - sorted.size());
  if (sorted.empty()) return strata;
  std::sort(sorted.begin(), sorted.end());
  const std::span<const float> ascending(sorted);
  const float low = stats::quantile(ascending, kBoundaryQuantile);
  strata.threshold = low;
  const float middle = stats::quantile(ascending, kInteriorQuantile);
  const float high = stats::quantile(ascending, kHighQuantile);
  for (size_t t = 0; t < margins.size(); ++t) {
    if (!std::isfinite(margins[t])) continue;
    uint8_t bits = 0;
    if (margins[t] <= low) bits |= kBoundary;
    if (margins[t] >= middle) bits |= kInterior;
    if (margins[t] >= high) bits |= kInteriorHigh;
    strata.of_position[t] = bits;
    strata.boundary += (bits & kBoundary) != 0;
    strata.overlapping =
        strata.overlapping || (bits & (kBoundary | kInterior)) == (kBoundary | kInterior);
  }
  return strata;
}

uint32_t boundary_size(uint32_t positions) {
  return static_cast<uint32_t>(stats::quantile_rank(kBoundaryQuantile, positions));
}

uint32_t interior_size(uint32_t positions) {
  return positions - static_cast<uint32_t>(stats::quantile_rank(kInteriorQuantile, positions)) + 1;
}

}  // namespace rg::experiments
