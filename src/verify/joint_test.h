// One test of several means at once, by the largest of them in standard errors.
#pragma once

#include "verify/analysis.h"

namespace rg::verify {

// Means over the same windows, of which some is claimed to lie above 0. The statistic is the
// largest estimate/se, se the bootstrap standard error; were all means 0, it would vary as the
// largest (replicate - estimate)/se. A mean whose se is at most kNoSpread is left out; undefined if
// all are.
inline constexpr double kNoSpread = 1e-12;  // the mean doesn't vary: what is left is rounding
struct JointTest {
  std::optional<double> statistic;
  std::optional<double> critical;  // the 97.5 % point of that distribution
  std::optional<double> p;         // (1 + replicates at or above the statistic)/(B' + 1)
  bool holds = false;              // statistic > critical
};
JointTest joint_test(const Analysis& analysis, const std::vector<ColumnId>& means);

}  // namespace rg::verify
