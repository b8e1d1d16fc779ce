#include "stats/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace rg::stats {
namespace {

TEST(Quantile, RankIsTheExactCeiling) {
  // In floating point 0.07 * 100 is 7.000000000000001, whose ceiling is 8.
  volatile double share = 0.07;
  EXPECT_EQ(std::ceil(share * 100), 8.0);
  EXPECT_EQ(quantile_rank({7, 100}, 100), 7u);
  EXPECT_EQ(quantile_rank({1, 10}, 30), 3u);
  EXPECT_EQ(quantile_rank({1, 10}, 255), 26u);
  EXPECT_EQ(quantile_rank({1, 2}, 255), 128u);
  EXPECT_EQ(quantile_rank({1, 100}, 5), 1u);
  EXPECT_EQ(quantile_rank({9, 10}, 255), 230u);
  EXPECT_EQ(quantile_rank({0, 1}, 7), 1u);
  EXPECT_EQ(quantile_rank({1, 1}, 7), 7u);
}

TEST(Quantile, IntervalEndsAt200And2000Replicates) {
  EXPECT_EQ(quantile_rank(kLowerEnd, 200), 5u);
  EXPECT_EQ(quantile_rank(kUpperEnd, 200), 195u);
  EXPECT_EQ(quantile_rank(kLowerEnd, 2000), 50u);
  EXPECT_EQ(quantile_rank(kUpperEnd, 2000), 1950u);
  EXPECT_EQ(quantile_rank(kUpperEnd, 199), 195u);
}

TEST(Median, IsTheMeanOfTheTwoMiddleValues) {
  std::vector<double> odd = {5, -1, 3}, even = {4, 1, 3, 2}, none;
  EXPECT_EQ(median(odd), 3);
  EXPECT_EQ(median(even), 2.5);
  EXPECT_TRUE(std::isnan(median(none)));
}

// All subsets of the given size, one by one.
double brute_force_subset_median(const std::vector<double>& values, size_t size) {
  double sum = 0, subsets = 0;
  for (unsigned mask = 0; mask < 1u << values.size(); ++mask) {
    std::vector<double> chosen;
    for (size_t i = 0; i < values.size(); ++i) {
      if (mask >> i & 1u) chosen.push_back(values[i]);
    }
    if (chosen.size() != size) continue;
    sum += median(chosen);
    subsets += 1;
  }
  return sum / subsets;
}

TEST(SubsetMedian, EqualsTheAverageOverAllSubsets) {
  const std::vector<double> values = {-2, -0.5, 0, 0.25, 3, 3, 4.5, 9, 20};
  for (size_t size = 1; size <= values.size(); ++size) {
    EXPECT_NEAR(expected_subset_median(values, size), brute_force_subset_median(values, size),
                1e-13)
        << size;
  }
  EXPECT_TRUE(std::isnan(expected_subset_median(values, 10)));
  EXPECT_TRUE(std::isnan(expected_subset_median(values, 0)));
}

TEST(SubsetMedian, StandsLargeStrata) {
  std::vector<double> values(20'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
  // E of the rank-h member of a random subset is h (n+1)/(size+1): the middle is (n+1)/2.
  EXPECT_NEAR(expected_subset_median(values, 4000), 10000.5, 1e-6);
  EXPECT_NEAR(expected_subset_median(values, 4001), 10000.5, 1e-6);
}

TEST(Mean, IsUndefinedForNothing) { EXPECT_TRUE(std::isnan(mean({}))); }

}  // namespace
}  // namespace rg::stats
