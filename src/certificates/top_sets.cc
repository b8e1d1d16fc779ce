#include "certificates/top_sets.h"

#include <algorithm>
#include <limits>

#include "certificates/bounds.h"
#include "certificates/columns.h"

namespace rg::certificates {

double smaller_gap(const Column& logits, uint32_t top_k) {
  std::vector<double> sorted(logits.data(), logits.data() + logits.size());
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  return std::min(sorted[n - top_k] - sorted[n - top_k - 1], sorted[top_k] - sorted[top_k - 1]);
}

TopSet top_set(const BoundedLogits& bounded, int sign, uint32_t top_k) {
  const Column &logits = bounded.values, &errors = bounded.errors;
  std::vector<uint32_t> order = first_numbers(static_cast<size_t>(logits.size()));
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const double first = sign * logits(a), second = sign * logits(b);
    return first > second || (first == second && a < b);
  });
  double slack = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < top_k; ++i) {
    for (size_t j = top_k; j < order.size(); ++j) {
      const double apart = sign * (logits(order[i]) - logits(order[j]));
      slack = std::min(slack, at_least(apart) - at_most(errors(order[i]) + errors(order[j])));
    }
  }
  std::vector<uint32_t> set(order.begin(), order.begin() + top_k);
  std::sort(set.begin(), set.end());
  return {.set = set, .slack = slack};
}

}  // namespace rg::certificates
