#include "stats/replicates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rg::stats {
namespace {

TEST(ReplicateSums, AreTakenReplicateByReplicate) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Replicates a{.estimate = 1.5, .values = {1, 2, nan}},
      b{.estimate = 4, .values = {8, nan, 3}};
  const Replicates less = difference(a, b);
  EXPECT_EQ(less.estimate, -2.5);
  ASSERT_EQ(less.values.size(), 3u);
  EXPECT_EQ(less.values[0], -7);
  EXPECT_TRUE(std::isnan(less.values[1]));
  EXPECT_TRUE(std::isnan(less.values[2]));
}

TEST(ReplicateSums, MeansAreAddedInOrder) {
  // (1 + 1e-16) + 1e-16 is 1; in another order the small ones would count.
  const Replicates one{.estimate = 1, .values = {1, 2}},
      small{.estimate = 1e-16, .values = {1e-16, 4}};
  const Replicates* const parts[] = {&one, &small, &small};
  const Replicates mean = mean_of(parts);
  EXPECT_EQ(mean.estimate, 1.0 / 3);
  EXPECT_EQ(mean.values, (std::vector<double>{1.0 / 3, 10.0 / 3}));
  const Replicates alone = mean_of(std::span(parts, 1));
  EXPECT_EQ(alone.estimate, 1);
  EXPECT_EQ(alone.values, one.values);
}

}  // namespace
}  // namespace rg::stats
