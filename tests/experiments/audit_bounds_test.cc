// Bounds of the probability of a flip, from pairs of experts, against simulation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/audit/forecast_bounds.h"
#include "experiments/forecast_fixture.h"
#include "stats/pinned_math.h"

namespace rg::experiments::testing {
namespace {

TEST(AuditBounds, TheTableIsTheNormalDistribution) {
  for (int i = -90000; i <= 90000; ++i) {
    const double x = i * 1.0001e-4;
    ASSERT_NEAR(tabled_normal_cdf(x), stats::normal_cdf(x), 5e-15) << x;
  }
  const double beyond = std::numeric_limits<double>::infinity();
  EXPECT_EQ(tabled_normal_cdf(-beyond), 0);
  EXPECT_EQ(tabled_normal_cdf(beyond), 1);
  EXPECT_EQ(tabled_normal_cdf(8.51), 1);
  EXPECT_EQ(tabled_normal_cdf(std::numeric_limits<double>::quiet_NaN()), 0);
}

// Correlated changes of five experts with means.
struct SmallLaw {
  SmallLaw() : law{.mean = linear::Column(5), .covariance = linear::Matrix(5, 5)}, factor(5, 3) {
    law.mean << 0.2, -0.1, 0.05, 0.3, 0;
    factor << 0.5, 0, 0.1, -0.2, 0.3, 0, 0, 0.4, 0.2, 0.6, 0.1, -0.3, 0.1, 0.1, 0.1;
    law.covariance = factor * factor.transpose();
  }
  std::vector<float> changed(std::span<const float> logits, uint32_t draw) const {
    linear::Column noise(3);
    for (uint32_t c = 0; c < 3; ++c) noise(c) = normal(8, c, draw, 4);
    const linear::Column change = law.mean + factor * noise;
    std::vector<float> out(logits.begin(), logits.end());
    for (size_t e = 0; e < 5; ++e) out[e] += static_cast<float>(change(static_cast<int>(e)));
    return out;
  }
  ChangeLaw law;
  linear::Matrix factor;
};

TEST(AuditBounds, PairsPassAsOftenAsInSimulation) {
  constexpr uint32_t kDraws = 40000;
  const SmallLaw small;
  const PassBounds bounds(small.law, 5);
  const std::vector<float> logits = {1.5f, 0.4f, 0.9f, 0.3f, 0.8f};
  const std::vector<int32_t> ranked = {0, 2, 4};  // k = 2
  const gate::GateSpec spec = audit_gate(5, 2, gate::Score::logits);
  double passed[5][5] = {}, flips = 0;
  for (uint32_t draw = 0; draw < kDraws; ++draw) {
    const std::vector<float> after = small.changed(logits, draw);
    flips += chooses_otherwise(spec, {}, logits, after) ? 1.0 / kDraws : 0.0;
    for (size_t i = 0; i < 5; ++i) {
      for (size_t j = 0; j < 5; ++j) passed[i][j] += after[j] > after[i] ? 1.0 / kDraws : 0.0;
    }
  }
  double largest = 0, sum = 0;
  for (const size_t i : {0u, 2u}) {
    for (const size_t j : {1u, 3u, 4u}) {
      const double p = bounds.pass(logits, i, j);
      EXPECT_NEAR(p, passed[i][j], 4.5 * std::sqrt(p * (1 - p) / kDraws)) << i << ' ' << j;
      largest = std::max(largest, p);
      sum += p;
    }
  }
  std::vector<double> scratch;
  const PassBounds::Bounds found = bounds.of(logits, ranked, scratch);
  EXPECT_EQ(found.lower, largest);
  EXPECT_NEAR(found.upper, sum, 1e-15);
  EXPECT_EQ(found.pair, bounds.pass(logits, 2, 4));
  EXPECT_LT(found.pair, found.lower);
  EXPECT_LT(found.lower, flips);
  EXPECT_GT(found.upper, flips);
}

TEST(AuditBounds, TheUpperOneIsAProbability) {
  const SmallLaw small;
  const std::vector<float> equal(5, 1.0f);
  std::vector<double> scratch;
  const auto found = PassBounds(small.law, 5).of(equal, std::vector<int32_t>{0, 1, 2}, scratch);
  EXPECT_EQ(found.upper, 1);
  EXPECT_LT(found.lower, 1);
}

TEST(AuditBounds, WithoutSpreadTheMeanDecides) {
  ChangeLaw law{.mean = linear::Column::Zero(4), .covariance = linear::Matrix::Ones(4, 4)};
  law.mean(3) = 0.5;
  const PassBounds bounds(law, 4);
  const std::vector<float> logits = {0.5f, 1.0f, 0.2f, 0.6f};
  EXPECT_EQ(bounds.pass(logits, 1, 0), 0);
  EXPECT_EQ(bounds.pass(logits, 1, 3), 1);
  EXPECT_EQ(bounds.pass(logits, 0, 3), 1);
  // Equal after the change: the lower index is first.
  const std::vector<float> tied = {1.0f, 1.0f, 0.0f, 0.5f};
  EXPECT_EQ(bounds.pass(tied, 1, 3), 0);
  EXPECT_EQ(bounds.pass(tied, 1, 0), 1);
  std::vector<double> scratch;
  const auto found = bounds.of(logits, std::vector<int32_t>{1, 3}, scratch);
  EXPECT_EQ(found.lower, 1);
  EXPECT_EQ(found.upper, 1);
  EXPECT_EQ(found.pair, 1);
  const auto lower_passes =
      bounds.of(std::vector<float>{0, 0, 0, 0.5f}, std::vector<int32_t>{3, 0}, scratch);
  EXPECT_EQ(lower_passes.lower, 0);  // the mean brings 3 further ahead
  law.mean(0) = 1;
  const auto ties =
      PassBounds(law, 4).of(std::vector<float>{0, 0, 0, 0.5f}, std::vector<int32_t>{3, 0}, scratch);
  EXPECT_EQ(ties.lower, 1);
  EXPECT_EQ(ties.upper, 1);
  EXPECT_EQ(ties.pair, 1);
}

}  // namespace
}  // namespace rg::experiments::testing
