#include "stats/holm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rg::stats {
namespace {

constexpr double kUndefinedP = std::numeric_limits<double>::quiet_NaN();

TEST(Holm, MultipliesByTheHypothesesThatAreLeft) {
  // Holm 1979 on four p-values, out of order: 0.005 * 4, 0.01 * 3, 0.03 * 2, 0.04 * 1 raised to
  // 0.06.
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005};
  EXPECT_EQ(holm_adjusted(p), (std::vector<double>{0.01 * 3, 0.03 * 2, 0.03 * 2, 0.005 * 4}));
}

TEST(Holm, NeverExceedsOne) {
  const std::vector<double> p = {0.6, 0.4};
  EXPECT_EQ(holm_adjusted(p), (std::vector<double>{0.8, 0.8}));
  const std::vector<double> large = {0.9, 0.7, 0.8};
  EXPECT_EQ(holm_adjusted(large), (std::vector<double>{1, 1, 1}));
}

TEST(Holm, AnUndefinedPCountsAsOne) {
  const std::vector<double> p = {0.01, kUndefinedP, 0.02};
  const std::vector<double> adjusted = holm_adjusted(p);
  EXPECT_EQ(adjusted[0], 0.01 * 3);  // not times 2
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_EQ(adjusted[2], 0.02 * 2);
  EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(Holm, EqualPsGetTheSame) {
  const std::vector<double> p = {0.02, 0.02, 0.5};
  EXPECT_EQ(holm_adjusted(p), (std::vector<double>{0.02 * 3, 0.02 * 3, 0.5}));
}

}  // namespace
}  // namespace rg::stats
