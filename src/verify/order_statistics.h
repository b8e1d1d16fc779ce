// Quantiles and medians, the verifier's own implementation (docs/artifacts.md section 1.1).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rg::verify {

// q as an exact fraction: 0.07 * 100 in floating point is 7.000000000000001, whose ceiling is 8.
struct Fraction {
  uint64_t numerator, denominator;
};
inline constexpr Fraction kLowerTail{1, 40};   // 2.5 %
inline constexpr Fraction kUpperTail{39, 40};  // 97.5 %

// max(1, min(m, ceil(q m))), the 1-based rank of the order statistic.
uint64_t quantile_rank(Fraction q, uint64_t m);

struct Interval {
  double lo, hi;
  bool operator==(const Interval&) const = default;
};

// v_(k) of the values, k = quantile_rank. Reorders its argument, which is not empty.
double quantile(std::vector<double>& values, Fraction q);
// [2.5 %, 97.5 %]; none for no values.
std::optional<Interval> percentile_interval(std::vector<double> values);

}  // namespace rg::verify
