#include "stats/holm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rg::stats {

std::vector<double> holm_adjusted(std::span<const double> p) {
  const auto counted = [&](size_t i) { return std::isnan(p[i]) ? 1.0 : p[i]; };
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counted(a) < counted(b); });
  std::vector<double> adjusted(p.begin(), p.end());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const size_t i = order[rank];
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - rank) * counted(i)));
    if (!std::isnan(p[i])) adjusted[i] = largest;
  }
  return adjusted;
}

}  // namespace rg::stats
