#include "stats/joint_maximum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

double noise(uint64_t seed, uint32_t i, uint32_t j) {
  return normal_quantile((draw_word(seed, Purpose::audit, {i, j, 0}, 3) + 0.5) / 4294967296.0);
}

TEST(JointMaximum, FollowsItsDefinitionOnAFewReplicates) {
  // se 1 and 2: pivots of the replicates -1, 0, 1 and -1, 1, 0 around estimates 1.5 and 1.
  const std::vector<Replicates> means = {{1.5, {0.5, 1.5, 2.5}}, {1.0, {-1.0, 3.0, 1.0}}};
  const JointMaximum found = joint_maximum(means);
  EXPECT_DOUBLE_EQ(found.statistic, 1.5);  // of 1.5 and 0.5
  EXPECT_DOUBLE_EQ(found.critical, 1.0);   // the largest of the maxima -1, 1, 1
  EXPECT_DOUBLE_EQ(found.p, 0.25);
  EXPECT_TRUE(found.holds);
}

TEST(JointMaximum, AMaximumAsLargeAsTheStatisticCountsAgainst) {
  const std::vector<Replicates> means = {{1.0, {0.0, 1.0, 2.0}}};  // the largest pivot is 1
  const JointMaximum found = joint_maximum(means);
  EXPECT_DOUBLE_EQ(found.statistic, 1.0);
  EXPECT_DOUBLE_EQ(found.p, 0.5);
  EXPECT_FALSE(found.holds);
}

TEST(JointMaximum, LeavesOutWhatDoesNotVary) {
  // 0.1 in every window: the replicates differ by rounding, and est / se would be 1e15.
  const CountTable table(100, 200, 5, 0);
  const std::vector<double> constant(100, 0.1);
  std::vector<double> varying(100);
  for (uint32_t w = 0; w < 100; ++w) varying[w] = noise(1, w, 0);
  const std::vector<Replicates> means = {mean_replicates(table, constant),
                                         mean_replicates(table, varying)};
  EXPECT_EQ(joint_maximum(means).statistic, joint_maximum({&means[1], 1}).statistic);
  const JointMaximum none = joint_maximum({&means[0], 1});
  EXPECT_TRUE(std::isnan(none.statistic) && std::isnan(none.critical) && std::isnan(none.p));
  EXPECT_FALSE(none.holds);
}

TEST(JointMaximum, LeavesOutReplicatesThatLackAMean) {
  const std::vector<Replicates> means = {{1.5, {0.5, 1.5, 2.5, 9.0}},
                                         {1.0, {-1.0, 3.0, 1.0, kMissing}}};
  // Three replicates are left, with maxima -0.26, 1 and 0.26: the first mean's standard error is of
  // all four.
  EXPECT_NEAR(standard_error(means[0].values), 3.84, 0.01);
  const JointMaximum found = joint_maximum(means);
  EXPECT_DOUBLE_EQ(found.statistic, 0.5);
  EXPECT_DOUBLE_EQ(found.critical, 1.0);
  EXPECT_DOUBLE_EQ(found.p, 0.5);
}

// Four means of the same windows: their union has a level of about 0.06, the joint test 0.025.
TEST(JointMaximum, HoldsTheLevelThatTheUnionExceeds) {
  constexpr uint32_t kRuns = 1200, kWindows = 60;
  const CountTable table(kWindows, 200, 7, 0);
  int joint = 0, any = 0;
  for (uint32_t run = 0; run < kRuns; ++run) {
    std::vector<Replicates> means;
    bool some = false;
    for (uint32_t q = 0; q < 4; ++q) {
      std::vector<double> values(kWindows);
      for (uint32_t w = 0; w < kWindows; ++w) values[w] = noise(100 + run, w, q);
      means.push_back(mean_replicates(table, values));
      some = some || interval_above(means.back().values, 0);
    }
    joint += joint_maximum(means).holds;
    any += some;
  }
  EXPECT_GE(joint, 12);
  EXPECT_LE(joint, 54);  // 30 expected
  EXPECT_GE(any, 84);    // 0.07 and more: independent means, 1 - 0.975^4 = 0.096
}

}  // namespace
}  // namespace rg::stats
