#include "stats/holm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace rg::stats {
namespace {

using Values = std::vector<double>;

TEST(Holm, StepsDownInTheOrderOfTheValues) {
  // Ascending: 1/128 * 4, 1/64 * 3, 1/32 * 2, 1/2 * 1.
  const Values p = {0.03125, 0.5, 0.0078125, 0.015625};
  EXPECT_EQ(holm_adjusted(p), (Values{0.0625, 0.5, 0.03125, 0.046875}));
  EXPECT_EQ(holm_adjusted(Values{0.25, 0.25, 0.26}), (Values{0.75, 0.75, 0.75}));
}

TEST(Holm, StaysAtMostOneAndLeavesASingleValue) {
  EXPECT_EQ(holm_adjusted(Values{0.6, 0.9, 0.5}), (Values{1, 1, 1}));
  EXPECT_EQ(holm_adjusted(Values{0.04}), (Values{0.04}));
  EXPECT_TRUE(holm_adjusted(Values{}).empty());
}

TEST(Holm, AMissingValueCountsAsOneAndStaysMissing) {
  const Values adjusted =
      holm_adjusted(Values{0.01, std::numeric_limits<double>::quiet_NaN(), 0.03});
  EXPECT_DOUBLE_EQ(adjusted[0], 0.03);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
}

}  // namespace
}  // namespace rg::stats
