#include "stats/holm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace rg::stats {

std::vector<double> holm_adjusted(std::span<const double> p) {
  const auto value = [&](size_t i) { return std::isnan(p[i]) ? 1.0 : p[i]; };
  std::vector<size_t> ascending(p.size());
  std::iota(ascending.begin(), ascending.end(), size_t{0});
  std::stable_sort(ascending.begin(), ascending.end(),
                   [&](size_t a, size_t b) { return value(a) < value(b); });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t rank = 0; rank < ascending.size(); ++rank) {
    const size_t i = ascending[rank];
    const auto left = static_cast<double>(p.size() - rank);
    largest = std::max(largest, std::min(1.0, left * value(i)));
    adjusted[i] = std::isnan(p[i]) ? p[i] : largest;
  }
  return adjusted;
}

}  // namespace rg::stats
