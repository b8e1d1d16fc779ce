#include "verify/order_statistics.h"

#include <algorithm>

namespace rg::verify {

uint64_t quantile_rank(Fraction q, uint64_t m) {
  const uint64_t ceiling = (q.numerator * m + q.denominator - 1) / q.denominator;
  return std::max<uint64_t>(1, std::min(m, ceiling));
}

double quantile(std::vector<double>& values, Fraction q) {
  const auto rank = static_cast<std::ptrdiff_t>(quantile_rank(q, values.size()) - 1);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<size_t>(rank)];
}

std::optional<Interval> percentile_interval(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const double lo = quantile(values, kLowerTail);
  return Interval{lo, quantile(values, kUpperTail)};
}

}  // namespace rg::verify
