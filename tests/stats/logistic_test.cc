// The slope of a logistic regression: by hand where two points fix it, by bisection of its two
// equations elsewhere, undefined where no finite slope is best.
#include "stats/logistic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace rg::stats {
namespace {

using Counts = std::vector<OutcomeCount>;

double logit(double p) { return std::log(p / (1 - p)); }

// Both equations of the maximum, sum (f - n p) = 0 and sum x (f - n p) = 0, by nested bisection:
// the first falls with a, the second, with a(b) put in, with b.
double slope_by_bisection(const Counts& counts) {
  const auto residual = [&](double a, double b, bool times_x) {
    long double sum = 0;
    for (const OutcomeCount& c : counts) {
      const long double p = 1 / (1 + std::exp(-(static_cast<long double>(a) + b * c.x)));
      sum += (times_x ? c.x : 1.0) * (c.outcomes - c.trials * p);
    }
    return static_cast<double>(sum);
  };
  const auto root = [](double low, double high, const auto& falling) {
    for (int i = 0; i < 200; ++i) {
      const double middle = (low + high) / 2;
      (falling(middle) > 0 ? low : high) = middle;
    }
    return (low + high) / 2;
  };
  return root(-30, 30, [&](double b) {
    const double a = root(-300, 300, [&](double at) { return residual(at, b, false); });
    return residual(a, b, true);
  });
}

TEST(Logistic, TwoPointsFixTheSlope) {
  const Counts counts = {{-1, 4, 1}, {2, 5, 3}};
  EXPECT_NEAR(logistic_slope(counts), (logit(0.6) - logit(0.25)) / 3, 1e-12);
  const Counts split = {{2, 2, 2}, {-1, 4, 1}, {2, 3, 1}, {7, 0, 0}};
  EXPECT_NEAR(logistic_slope(split), logistic_slope(counts), 1e-12);
}

TEST(Logistic, ACalibratedForecastHasSlopeOne) {
  Counts counts;
  for (const double p : {0.125, 0.25, 0.5, 0.875}) counts.push_back({logit(p), 800, 800 * p});
  EXPECT_NEAR(logistic_slope(counts), 1, 1e-12);
  // Logits twice as far from 0 as they should be.
  for (OutcomeCount& count : counts) count.x *= 2;
  EXPECT_NEAR(logistic_slope(counts), 0.5, 1e-12);
}

TEST(Logistic, SolvesTheEquationsOfTheMaximum) {
  const Counts rising = {{-4.8, 900, 4}, {-2.2, 250, 31}, {-1, 90, 20}, {0.3, 60, 35}, {2.9, 7, 6}};
  const Counts falling = {{-3, 50, 40}, {-1, 30, 21}, {0, 10, 2}, {4, 20, 1}};
  const Counts one_flip = {{-1, 10, 0}, {0, 10, 1}, {1, 10, 0}};
  for (const Counts& counts : {rising, falling, one_flip}) {
    EXPECT_NEAR(logistic_slope(counts), slope_by_bisection(counts), 1e-9);
  }
  EXPECT_LT(logistic_slope(falling), 0);
}

// A whole step from (0, 1) overshoots, where the likelihood is flat.
TEST(Logistic, HalvesStepsThatGoTooFar) {
  const Counts far = {{-8, 100, 40}, {8, 100, 60}}, falling = {{-4.8, 50, 40}, {4.8, 50, 10}};
  EXPECT_NEAR(logistic_slope(far), (logit(0.6) - logit(0.4)) / 16, 1e-9);
  EXPECT_NEAR(logistic_slope(falling), (logit(0.2) - logit(0.8)) / 9.6, 1e-9);
}

TEST(Logistic, IsUndefinedWithoutAFiniteMaximum) {
  const std::vector<Counts> undefined = {
      {},
      {{0, 0, 0}, {1, 0, 0}},
      {{0, 5, 0}, {1, 5, 0}},             // no outcome
      {{0, 5, 5}, {1, 5, 5}},             // outcomes only
      {{1, 5, 2}, {1, 3, 3}, {2, 0, 0}},  // one x
      {{0, 5, 0}, {1, 5, 5}},             // separated
      {{0, 5, 0}, {1, 5, 2}, {2, 5, 5}},  // they touch in one point
      {{0, 5, 5}, {1, 5, 2}, {2, 5, 0}},  // the other way round
      {{0, 5, 0}, {1, 5, 2}},
      {{0, 5, 5}, {1, 5, 2}},
  };
  for (const Counts& counts : undefined) EXPECT_TRUE(std::isnan(logistic_slope(counts)));
  EXPECT_FALSE(std::isnan(logistic_slope(Counts{{0, 5, 1}, {1, 5, 2}, {2, 5, 5}})));
}

TEST(Logistic, AReplicateIsTheSlopeOfTheWindowsDrawn) {
  constexpr uint32_t kWindows = 7;
  const std::vector<double> x = {-2, 0.5, 1};
  const std::vector<std::vector<uint32_t>> trials = {
      {4, 0, 5, 3, 9, 2, 0}, {1, 2, 0, 4, 4, 4, 1}, {0, 0, 3, 1, 1, 0, 2}};
  const std::vector<std::vector<uint32_t>> outcomes = {
      {0, 0, 1, 0, 2, 0, 0}, {0, 1, 0, 2, 1, 3, 1}, {0, 0, 2, 1, 0, 0, 2}};
  std::vector<OutcomeLevel> levels;
  for (size_t l = 0; l < 3; ++l) levels.push_back({x[l], trials[l], outcomes[l]});
  const auto slope_of = [&](const std::vector<uint32_t>& windows) {
    Counts counts = {{x[0], 0, 0}, {x[1], 0, 0}, {x[2], 0, 0}};
    for (const uint32_t w : windows) {
      for (size_t l = 0; l < 3; ++l) {
        counts[l].trials += trials[l][w];
        counts[l].outcomes += outcomes[l][w];
      }
    }
    return logistic_slope(counts);
  };
  const Replicates replicates = logistic_slope_replicates(CountTable(kWindows, 400, 3, 0), levels);
  EXPECT_EQ(replicates.estimate, slope_of({0, 1, 2, 3, 4, 5, 6}));
  ASSERT_EQ(replicates.values.size(), 400u);
  size_t undefined = 0;
  for (uint32_t b = 0; b < 400; ++b) {
    std::vector<uint32_t> drawn;
    for (uint32_t i = 0; i < kWindows; ++i) {
      drawn.push_back(draw_below(kWindows, 3, Purpose::bootstrap, {i, b, 0}));
    }
    const double expected = slope_of(drawn);
    undefined += std::isnan(expected) ? 1u : 0u;
    EXPECT_TRUE(replicates.values[b] == expected ||
                (std::isnan(expected) && std::isnan(replicates.values[b])))
        << b;
  }
  EXPECT_LT(undefined, 50u);
}

}  // namespace
}  // namespace rg::stats
