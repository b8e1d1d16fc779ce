#include "stats/order.h"

#include <algorithm>
#include <limits>

namespace rg::stats {
namespace {

// E[v of rank h in a random subset of `size`]. The probabilities of j = h .. n - (size - h) follow
// from their ratios, started where they are largest and normalised at the end: no factorial, no
// overflow.
double expected_order_statistic(std::span<const double> ascending, size_t size, size_t h) {
  const size_t n = ascending.size();
  const size_t first = h, last = n - (size - h);
  std::vector<double> weight(last - first + 1, 0.0);
  const size_t mode = std::clamp((n + 1) * h / (size + 1), first, last);
  weight[mode - first] = 1;
  for (size_t j = mode; j < last; ++j) {  // P(j+1)/P(j) = j/(j-h+1) * (n-j-(size-h))/(n-j)
    weight[j + 1 - first] = weight[j - first] * static_cast<double>(j) /
                            static_cast<double>(j - h + 1) *
                            static_cast<double>(n - j - (size - h)) / static_cast<double>(n - j);
  }
  for (size_t j = mode; j > first; --j) {
    weight[j - 1 - first] = weight[j - first] * static_cast<double>(j - h) /
                            static_cast<double>(j - 1) * static_cast<double>(n - j + 1) /
                            static_cast<double>(n - j + 1 - (size - h));
  }
  double total = 0, sum = 0;
  for (size_t j = first; j <= last; ++j) {
    total += weight[j - first];
    sum += weight[j - first] * ascending[j - 1];
  }
  return sum / total;
}

}  // namespace

double median(std::span<double> values) noexcept {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double mean(std::span<const double> values) noexcept {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double expected_subset_median(std::span<const double> ascending, size_t size) {
  if (size < 1 || size > ascending.size()) return std::numeric_limits<double>::quiet_NaN();
  const double upper = expected_order_statistic(ascending, size, size / 2 + 1);
  if (size % 2 == 1) return upper;
  return (expected_order_statistic(ascending, size, size / 2) + upper) / 2;
}

}  // namespace rg::stats
