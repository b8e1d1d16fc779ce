// Shares of slack, and what a tally makes of them.
#include "slack/tally.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace rg::slack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SlackCase, AnInequalityUsesValueOverBoundAndAllowance) {
  const Case at{.value = 3, .bound = 3.5, .allowance = 0.5};
  EXPECT_TRUE(holds(Relation::at_most, at));
  EXPECT_EQ(share_used(Relation::at_most, at), 0.75);
  const Case above{.value = 5, .bound = 3.5, .allowance = 0.5};
  EXPECT_FALSE(holds(Relation::at_most, above));
  EXPECT_EQ(share_used(Relation::at_most, above), 1.25);
}

TEST(SlackCase, AnIdentityUsesTheDistanceOverItsAllowance) {
  const Case at{.value = 1.25, .bound = 1, .allowance = 0.5};
  EXPECT_TRUE(holds(Relation::equal, at));
  EXPECT_EQ(share_used(Relation::equal, at), 0.5);
  EXPECT_FALSE(holds(Relation::equal, {.value = 0.25, .bound = 1, .allowance = 0.5}));
  EXPECT_EQ(share_used(Relation::equal, {.value = 1, .bound = 1, .allowance = 0}), std::nullopt);
  EXPECT_TRUE(holds(Relation::equal, {.value = 1, .bound = 1, .allowance = 0}));
}

TEST(SlackCase, WithoutAShareWhereSidesHaveOtherSigns) {
  EXPECT_EQ(share_used(Relation::at_most, {.value = -1, .bound = 2, .allowance = 0}), std::nullopt);
  EXPECT_EQ(share_used(Relation::at_most, {.value = 1, .bound = -2, .allowance = 0}), std::nullopt);
  EXPECT_EQ(share_used(Relation::at_most, {.value = 0, .bound = 0, .allowance = 0}), std::nullopt);
  EXPECT_TRUE(holds(Relation::at_most, {.value = 0, .bound = 0, .allowance = 0}));
}

TEST(SlackCase, NothingThatIsNotFiniteHolds) {
  for (const double bad : {kNaN, kInfinity, -kInfinity}) {
    for (const Relation relation : {Relation::at_most, Relation::equal}) {
      for (const Case& at : {Case{bad, 1, 0.1}, Case{1, bad, 0.1}, Case{1, 1, bad}}) {
        EXPECT_FALSE(holds(relation, at));
        EXPECT_EQ(share_used(relation, at), std::nullopt);
      }
    }
  }
}

TEST(SlackCase, AShareThatHoldsIsNeverAboveOne) {
  double value = 0.1;
  for (int i = 0; i < 2000; ++i, value *= 1.013) {
    const Case at{.value = value, .bound = std::nextafter(value, 0), .allowance = 1e-16 * value};
    if (!holds(Relation::at_most, at)) continue;
    EXPECT_LE(*share_used(Relation::at_most, at), 1);
  }
}

Tally of(std::initializer_list<double> values) {
  Tally tally(Relation::at_most);
  uint32_t n = 0;
  for (const double value : values) {
    tally.see({.value = value, .bound = 1, .allowance = 0}, {n++});
  }
  return tally;
}

TEST(Tally, CountsEveryCaseOnce) {
  Tally tally = of({0, 0.049, 0.05, 1, -3, 1.5, 0.5, 0.52});
  tally.skip(4);
  const Found found = tally.found();
  EXPECT_EQ(found.cases, 8u);
  EXPECT_EQ(found.skipped, 4u);
  EXPECT_EQ(found.violated, 1u);
  EXPECT_EQ(found.without_share, 1u);
  EXPECT_EQ(std::accumulate(found.histogram.begin(), found.histogram.end(), uint64_t{0}), 6u);
  EXPECT_EQ(found.histogram[0], 2u);
  EXPECT_EQ(found.histogram[1], 1u);
  EXPECT_EQ(found.histogram[10], 2u);
  EXPECT_EQ(found.histogram[19], 1u);
}

TEST(Tally, QuantilesAreOrderStatistics) {
  const Found found = of({0.3, 0.1, 0.2}).found();
  ASSERT_TRUE(found.quantiles);
  EXPECT_EQ(*found.quantiles,
            (std::array<double, 11>{0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3}));
  EXPECT_FALSE(of({-1}).found().quantiles);
  EXPECT_FALSE(of({2}).found().quantiles);
}

TEST(Tally, TheTightestIsTheFirstOfTheLargestShares) {
  const Found found = of({0.2, 0.9, 0.9, -1, 0.4}).found();
  ASSERT_TRUE(found.tightest);
  EXPECT_EQ(found.tightest->used, 0.9);
  EXPECT_EQ(found.tightest->place, Place{1});
  EXPECT_EQ(of({-1, -2}).found().tightest->place, Place{0});
  EXPECT_EQ(of({-1, 0.1}).found().tightest->place, Place{1});
  EXPECT_FALSE(of({}).found().tightest);
}

TEST(Tally, AViolatedCaseIsTighterThanAnyThatHolds) {
  Tally tally(Relation::at_most);
  tally.see({.value = 1, .bound = 1, .allowance = 0}, {0});
  tally.see({.value = 1, .bound = 0.9, .allowance = 0}, {1});
  tally.see({.value = 1, .bound = 1, .allowance = 0}, {2});
  EXPECT_EQ(tally.found().tightest->place, Place{1});
  tally.see({.value = 3, .bound = 1, .allowance = 0}, {3});
  EXPECT_EQ(tally.found().tightest->place, Place{3});
  tally.see({.value = kNaN, .bound = 1, .allowance = 0}, {4});
  tally.see({.value = 9, .bound = 1, .allowance = 0}, {5});
  EXPECT_EQ(tally.found().tightest->place, Place{4});
  EXPECT_EQ(tally.found().violated, 4u);
}

TEST(Tally, PartsComeToTheSameAsOneTally) {
  const std::vector<double> values = {0.5, 2, 0.1, -1, 0.7, 3, 0.7, kNaN, 0.2};
  for (size_t cut = 0; cut <= values.size(); ++cut) {
    Tally whole(Relation::at_most), first(Relation::at_most), second(Relation::at_most);
    for (size_t i = 0; i < values.size(); ++i) {
      const Case at{.value = values[i], .bound = 1, .allowance = 0};
      whole.see(at, {static_cast<uint32_t>(i)});
      (i < cut ? first : second).see(at, {static_cast<uint32_t>(i)});
    }
    first.append(second);
    const Found a = first.found(), b = whole.found();
    EXPECT_EQ(a.cases, b.cases);
    EXPECT_EQ(a.violated, b.violated);
    EXPECT_EQ(a.without_share, b.without_share);
    EXPECT_EQ(a.histogram, b.histogram);
    EXPECT_EQ(a.quantiles, b.quantiles);
    EXPECT_EQ(a.tightest->place, b.tightest->place) << cut;
  }
}

}  // namespace
}  // namespace rg::slack
