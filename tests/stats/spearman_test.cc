// Rank correlation with ties, its bootstrap over units, and its permutation test.
#include "stats/spearman.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace rg::stats {
namespace {

using Values = std::vector<double>;

TEST(Spearman, RanksAloneCount) {
  const Values x = {3, 1, 2, 100}, same_order = {0.3, -5, 0, 0.31}, reversed = {1, 4, 3, -9};
  EXPECT_EQ(spearman(x, same_order), 1.0);
  EXPECT_EQ(spearman(x, reversed), -1.0);
  // Ranks (1 2 3 4 5) and (2 1 4 3 5): 1 - 6 * 4 / (5 * 24).
  EXPECT_DOUBLE_EQ(spearman(Values{1, 2, 3, 4, 5}, Values{2, 1, 4, 3, 5}), 0.8);
}

// Ranks (1, 2.5, 2.5, 4) and (1, 2, 3.5, 3.5): sum of products 3.75, of squares 4.5 and 4.5.
TEST(Spearman, TiesShareTheMeanOfTheirRanks) {
  EXPECT_DOUBLE_EQ(spearman(Values{1, 7, 7, 9}, Values{0, 1, 2, 2}), 3.75 / 4.5);
}

TEST(Spearman, IsUndefinedWithoutRanks) {
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(spearman(Values{1, 1, 1}, Values{1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman(Values{1, 2, 3}, Values{4, 4, 4})));
  EXPECT_TRUE(std::isnan(spearman(Values{1, undefined, 3}, Values{1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman({}, {})));
  EXPECT_TRUE(std::isnan(spearman(Values{1}, Values{1})));
}

TEST(Spearman, AReplicateIsTheCorrelationOfTheUnitsDrawn) {
  constexpr uint32_t kUnits = 6;
  const Values x = {0.4, 0.1, 0.3, 0.3, 0.9, 0.2}, y = {2, 1, 5, 3, 4, 1};
  const Replicates replicates = spearman_replicates(CountTable(kUnits, 300, 11, 2), x, y);
  EXPECT_EQ(replicates.estimate, spearman(x, y));
  ASSERT_EQ(replicates.values.size(), 300u);
  for (uint32_t b = 0; b < 300; ++b) {
    Values drawn_x, drawn_y;
    for (uint32_t i = 0; i < kUnits; ++i) {
      const uint32_t unit = draw_below(kUnits, 11, Purpose::bootstrap, {i, b, 2});
      drawn_x.push_back(x[unit]);
      drawn_y.push_back(y[unit]);
    }
    const double expected = spearman(drawn_x, drawn_y);
    EXPECT_TRUE(replicates.values[b] == expected ||
                (std::isnan(expected) && std::isnan(replicates.values[b])))
        << b;
  }
}

TEST(Spearman, ReplicatesWithConstantRanksAreUndefined) {
  // Only the last unit differs: of three draws (2/3)^3 leave it out and (1/3)^3 take nothing else.
  const Replicates replicates =
      spearman_replicates(CountTable(3, 2000, 5, 2), Values{1, 1, 2}, Values{1, 2, 3});
  const auto dropped = std::count_if(replicates.values.begin(), replicates.values.end(),
                                     [](double value) { return std::isnan(value); });
  EXPECT_NEAR(static_cast<double>(dropped) / 2000, 9.0 / 27, 0.04);
}

TEST(Spearman, TheExactPCountsPermutations) {
  const Values five = {1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(*spearman_exact_p(five, five), 1.0 / 120);
  // 0.9 is one exchange of neighbours away, and there are four of these; then the identity.
  EXPECT_DOUBLE_EQ(*spearman_exact_p(five, Values{2, 1, 3, 4, 5}), 5.0 / 120);
  EXPECT_DOUBLE_EQ(*spearman_exact_p(five, Values{5, 4, 3, 2, 1}), 1.0);
  // Of three values of which two are equal, every arrangement stands for two permutations.
  EXPECT_DOUBLE_EQ(*spearman_exact_p(Values{1, 2, 3}, Values{0, 0, 1}), 2.0 / 6);
}

TEST(Spearman, TheExactPNeedsFewUnitsWithRanks) {
  const Values nine = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_DOUBLE_EQ(*spearman_exact_p(nine, nine), 1.0 / 362880);
  const Values ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_FALSE(spearman_exact_p(ten, ten));
  EXPECT_FALSE(spearman_exact_p(Values{1, 1}, Values{1, 2}));
}

// Of the 120 orders that no association makes equally likely, eight have an interval above 0.
TEST(Spearman, TheIntervalHasLevelOneFifteenthAtFiveUnits) {
  const CountTable table(5, 2000, 7, 2);
  const Values x = {1, 2, 3, 4, 5};
  Values y = x;
  int above = 0;
  do {
    above += interval_above(spearman_replicates(table, x, y).values, 0);
  } while (std::next_permutation(y.begin(), y.end()));
  EXPECT_EQ(above, 8);
}

}  // namespace
}  // namespace rg::stats
