// Order statistics by the rule of docs/artifacts.md: the q-quantile of m sorted values is the one
// of rank max(1, min(m, ceil(q m))), with q a fraction so that ceil is exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rg::stats {

struct Fraction {
  uint64_t over, under;
};
inline constexpr Fraction kLowerEnd{1, 40}, kUpperEnd{39, 40};  // 2.5 % and 97.5 %

// ceil(q m) clamped to 1..m; m >= 1.
constexpr size_t quantile_rank(Fraction q, size_t m) noexcept {
  const size_t rank = static_cast<size_t>((q.over * m + q.under - 1) / q.under);
  return rank < 1 ? 1 : rank > m ? m : rank;
}

// Of ascending values, not empty.
template <typename T>
T quantile(std::span<const T> ascending, Fraction q) noexcept {
  return ascending[quantile_rank(q, ascending.size()) - 1];
}

// Mean of the two middle order statistics (the middle one of an odd number). Reorders `values`;
// NaN if there are none.
double median(std::span<double> values) noexcept;

// fp64 sum in the given order, divided by the count; NaN if there are none.
double mean(std::span<const double> values) noexcept;

// Expectation of the median of a uniformly drawn subset of `size` of the values, exactly:
// sum_j v_(j) C(j-1,h-1) C(n-j,size-h) / C(n,size), averaged over both middle h where size is even.
// NaN unless 1 <= size <= n.
double expected_subset_median(std::span<const double> ascending, size_t size);

}  // namespace rg::stats
