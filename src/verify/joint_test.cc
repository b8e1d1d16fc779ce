#include "verify/joint_test.h"

#include <algorithm>

namespace rg::verify {

JointTest joint_test(const Analysis& analysis, const std::vector<ColumnId>& means) {
  JointTest test;
  std::vector<double> largest;  // per replicate
  for (const ColumnId id : means) {
    const std::optional<double> estimate = analysis.mean(id);
    const std::optional<double> error = analysis.bootstrap_error(id);
    if (!estimate || !error || !(*error > kNoSpread)) continue;
    const std::vector<double> replicates = analysis.primary().means(id);
    largest.resize(replicates.size(), -1e300);
    for (size_t b = 0; b < replicates.size(); ++b) {
      largest[b] = std::max(largest[b], (replicates[b] - *estimate) / *error);
    }
    const double ratio = *estimate / *error;
    test.statistic = std::max(test.statistic.value_or(ratio), ratio);
  }
  if (!test.statistic) return test;
  const auto reach = std::count_if(largest.begin(), largest.end(),
                                   [&](double value) { return value >= *test.statistic; });
  test.p = static_cast<double>(1 + reach) / static_cast<double>(largest.size() + 1);
  test.critical = quantile(largest, kUpperTail);
  test.holds = *test.statistic > *test.critical;
  return test;
}

}  // namespace rg::verify
