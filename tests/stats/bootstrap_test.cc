#include "stats/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "stats/jackknife.h"
#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double uniform(uint64_t seed, uint32_t i) {
  return (draw_word(seed, Purpose::audit, {i, 0, 0}, 0) + 0.5) / 4294967296.0;
}
std::vector<double> normals(uint64_t seed, size_t n) {
  std::vector<double> values(n);
  for (uint32_t i = 0; i < n; ++i) values[i] = normal_quantile(uniform(seed, i));
  return values;
}

TEST(CountTable, CountsTheDrawsOfTheContract) {
  const CountTable table(7, 3, 42, 0);
  for (uint32_t j = 0; j < 3; ++j) {
    std::vector<float> expected(7, 0.0f);
    for (uint32_t i = 0; i < 7; ++i) {
      expected[draw_below(7, 42, Purpose::bootstrap, {i, j, 0})] += 1.0f;
    }
    for (size_t w = 0; w < 7; ++w) EXPECT_EQ(table.of_unit(w)[j], expected[w]);
  }
}

TEST(Bootstrap, ReplicateMeansEqualTheNaiveOnes) {
  const std::vector<double> x = {1.5, kNaN, -2.25, 4, 0.125, kNaN, 7};
  const CountTable table(x.size(), 50, 9, 0);
  const Replicates means = mean_replicates(table, x);
  EXPECT_EQ(means.estimate, (1.5 - 2.25 + 4 + 0.125 + 7) / 5);
  for (uint32_t j = 0; j < 50; ++j) {
    double sum = 0, drawn = 0;
    for (size_t w = 0; w < x.size(); ++w) {
      if (std::isnan(x[w])) continue;
      sum += static_cast<double>(table.of_unit(w)[j]) * x[w];
      drawn += static_cast<double>(table.of_unit(w)[j]);
    }
    if (drawn == 0) {
      EXPECT_TRUE(std::isnan(means.values[j]));
    } else {
      EXPECT_EQ(means.values[j], sum / drawn);
    }
  }
}

TEST(Bootstrap, UndefinedReplicatesAreLeftOut) {
  const std::vector<double> x = {kNaN, 3, kNaN, kNaN};  // many replicates miss window 1
  const CountTable table(4, 400, 1, 0);
  const Replicates means = mean_replicates(table, x);
  EXPECT_TRUE(std::any_of(means.values.begin(), means.values.end(),
                          [](double v) { return std::isnan(v); }));
  EXPECT_EQ((*percentile_interval(means.values)), (Interval{3, 3}));
  EXPECT_EQ(share_below(means.values, 4), 1.0);
  EXPECT_EQ(standard_error(means.values), 0.0);
  EXPECT_FALSE(percentile_interval(std::vector<double>{kNaN, kNaN}).has_value());
}

TEST(Bootstrap, RatiosUseTheSameWindowsAboveAndBelow) {
  const std::vector<double> over = {1, 2, kNaN, 4}, under = {2, kNaN, 5, 8};
  const CountTable table(4, 30, 3, 0);
  const Replicates ratio = ratio_replicates(table, over, under);
  EXPECT_EQ(ratio.estimate, 5.0 / 10.0);
  for (const double value : ratio.values) {
    EXPECT_TRUE(std::isnan(value) || value == 0.5) << value;
  }
}

TEST(Bootstrap, IntervalEndsByRank) {
  std::vector<double> replicates(200);
  for (size_t i = 0; i < 200; ++i) replicates[i] = static_cast<double>(200 - i);
  EXPECT_EQ(*percentile_interval(replicates), (Interval{5, 195}));
  EXPECT_TRUE(interval_below(replicates, 195.5));
  EXPECT_FALSE(interval_below(replicates, 195));
  EXPECT_TRUE(interval_above(replicates, 4.5));
  EXPECT_FALSE(interval_above(replicates, 5));
  EXPECT_EQ(share_below(replicates, 5), 0.02);
}

TEST(Bootstrap, BcaEqualsPercentileWithoutBiasAndSkew) {
  // Symmetric values: no acceleration, and half the replicates below the estimate.
  const std::vector<double> x = {-1, 1};
  std::vector<double> symmetric(400);
  for (size_t i = 0; i < 400; ++i) symmetric[i] = (static_cast<double>(i) - 199.5) / 1000;
  const Replicates means{0.0, symmetric};
  const auto bca = bca_interval(x, means), plain = percentile_interval(symmetric);
  EXPECT_NEAR((*bca)[0], (*plain)[0], 0.0011);
  EXPECT_NEAR((*bca)[1], (*plain)[1], 0.0011);
}

TEST(Bootstrap, BcaShiftsTowardsTheLongTail) {
  std::vector<double> x = normals(5, 100);
  for (double& value : x) value = pinned_exp(value);  // skewed to the right
  const CountTable table(x.size(), 2000, 11, 0);
  const Replicates means = mean_replicates(table, x);
  const auto bca = bca_interval(x, means), plain = percentile_interval(means.values);
  EXPECT_GT((*bca)[0], (*plain)[0]);
  EXPECT_GT((*bca)[1], (*plain)[1]);
}

// A replicate that draws one window again and again has no spread but rounding's, which would make
// its pivot huge.
TEST(Bootstrap, StudentisedLeavesOutReplicatesOfEqualDraws) {
  const std::vector<double> x = {0.1, kNaN, kNaN, 0.7000000000000001, kNaN, kNaN, kNaN, kNaN};
  const CountTable table(x.size(), 2000, 3, 0);
  const auto found = studentised_interval(table, x, mean_replicates(table, x));
  ASSERT_TRUE(found.has_value());
  EXPECT_LT((*found)[1] - (*found)[0], 100);
}

TEST(Bootstrap, StudentisedAgreesWithTheDefinition) {
  const std::vector<double> x = {2, 4, kNaN, 9, 1, 6, 6.5, 3};
  const CountTable table(x.size(), 200, 77, 0);
  const Replicates means = mean_replicates(table, x);
  std::vector<double> pivots;
  for (size_t b = 0; b < 200; ++b) {
    double drawn = 0, squares = 0;
    for (size_t w = 0; w < x.size(); ++w) {
      if (std::isnan(x[w])) continue;
      const auto c = static_cast<double>(table.of_unit(w)[b]);
      drawn += c;
      squares += c * (x[w] - means.values[b]) * (x[w] - means.values[b]);
    }
    if (drawn < 2 || squares < 1e-9) continue;
    pivots.push_back((means.values[b] - means.estimate) / std::sqrt(squares / (drawn - 1) / drawn));
  }
  std::sort(pivots.begin(), pivots.end());
  double squares = 0;
  for (const double value : x) {
    if (!std::isnan(value)) squares += (value - means.estimate) * (value - means.estimate);
  }
  const double se = std::sqrt(squares / 6 / 7);
  const auto found = studentised_interval(table, x, means);
  const auto low = pivots[quantile_rank(kLowerEnd, pivots.size()) - 1];
  const auto high = pivots[quantile_rank(kUpperEnd, pivots.size()) - 1];
  EXPECT_NEAR((*found)[0], means.estimate - high * se, 1e-9);
  EXPECT_NEAR((*found)[1], means.estimate - low * se, 1e-9);
}

TEST(Bootstrap, DegenerateValuesHaveNoPivot) {
  const std::vector<double> same = {2, 2, 2, 2};
  const CountTable table(4, 200, 1, 0);
  const Replicates means = mean_replicates(table, same);
  EXPECT_FALSE(studentised_interval(table, same, means).has_value());
  // Every replicate equals the estimate: ties count half, no skew, so the interval is the point.
  EXPECT_EQ(*bca_interval(same, means), (Interval{2, 2}));
}

TEST(Documents, WindowsOfOneDocumentWidenTheInterval) {
  // 20 documents of 10 equal windows: the window bootstrap thinks there are 200 observations.
  const std::vector<double> by_document = normals(3, 20);
  std::vector<double> x;
  std::vector<uint32_t> document;
  for (uint32_t d = 0; d < 20; ++d) {
    x.insert(x.end(), 10, by_document[d]);
    document.insert(document.end(), 10, 100 - d);
  }
  const CountTable table(200, 1000, 8, 0);
  const auto plain = percentile_interval(mean_replicates(table, x).values);
  const Documents documents(document, 1000, 8);
  ASSERT_TRUE(documents.informative());
  EXPECT_EQ(documents.of_window()[0], 0u);
  EXPECT_EQ(documents.of_window()[199], 19u);
  const auto wide = documents.interval_of_mean(x);
  EXPECT_GT((*wide)[1] - (*wide)[0], 2.5 * ((*plain)[1] - (*plain)[0]));
}

TEST(Documents, SayNothingWhereEveryWindowIsItsOwn) {
  EXPECT_FALSE(Documents(std::vector<uint32_t>{1, 2, 3}, 200, 1).informative());
  EXPECT_FALSE(Documents(std::vector<uint32_t>{7, 7, 7}, 200, 1).informative());
}

TEST(Bootstrap, LevelOfThePercentileIntervalIsNominal) {
  int below = 0;
  constexpr int kRuns = 300;
  for (int run = 0; run < kRuns; ++run) {
    const auto seed = static_cast<uint64_t>(run);
    const CountTable table(100, 400, seed, 0);
    below += interval_below(mean_replicates(table, normals(1000 + seed, 100)).values, 0);
  }
  // 2.5 % of 300 is 7.5; 19 is beyond four standard deviations.
  EXPECT_GE(below, 1);
  EXPECT_LE(below, 19);
}

TEST(Jackknife, OfAMeanIsItsStandardError) {
  const std::vector<double> x = normals(4, 20);
  double sum = 0, squares = 0;
  for (const double value : x) sum += value;
  const double centre = sum / 20;
  std::vector<double> left_out;
  for (const double value : x) {
    left_out.push_back((sum - value) / 19);
    squares += (value - centre) * (value - centre);
  }
  const auto interval = jackknife_interval(centre, left_out);
  const double half = 2.093024054408263 * std::sqrt(squares / 19 / 20);
  EXPECT_NEAR((*interval)[0], centre - half, 1e-12);
  EXPECT_NEAR((*interval)[1], centre + half, 1e-12);
  left_out[3] = kNaN;
  EXPECT_FALSE(jackknife_interval(centre, left_out).has_value());
}

TEST(Jackknife, BlocksCoverAllWindows) {
  EXPECT_EQ(block_begin(0, 23), 0u);
  EXPECT_EQ(block_begin(1, 23), 1u);
  EXPECT_EQ(block_begin(20, 23), 23u);
}

}  // namespace
}  // namespace rg::stats
