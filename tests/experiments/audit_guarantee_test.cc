// The radius within which no selected set changes: never too large, exact where it claims to be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/audit/guarantee.h"
#include "experiments/forecast_fixture.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kGateWidth = 9;
constexpr double kNoRadius = std::numeric_limits<double>::infinity();

struct SmallGate {
  SmallGate(const gate::GateSpec& spec_, uint64_t seed)
      : spec(spec_),
        rows(audit_normals(seed, size_t{spec.experts} * kGateWidth, 0.5)),
        bias(spec.selection_bias ? audit_normals(seed + 1, spec.experts, 0.1)
                                 : std::vector<float>()),
        distances(rows, spec.experts, kGateWidth) {}

  std::vector<float> logits(const std::vector<double>& y) const {
    std::vector<float> z(spec.experts);
    for (size_t e = 0; e < z.size(); ++e) {
      double sum = 0;
      for (size_t c = 0; c < kGateWidth; ++c) sum += rows[e * kGateWidth + c] * y[c];
      z[e] = static_cast<float>(sum);
    }
    return z;
  }
  std::vector<double> across(size_t i, size_t j) const {  // G_j - G_i
    std::vector<double> out(kGateWidth);
    for (size_t c = 0; c < kGateWidth; ++c) {
      out[c] = double{rows[j * kGateWidth + c]} - double{rows[i * kGateWidth + c]};
    }
    return out;
  }
  double radius(const std::vector<double>& y) const {
    return guaranteed_radius(spec, bias, logits(y), distances);
  }
  bool flips(const std::vector<double>& y, const std::vector<double>& direction,
             double length) const {
    double norm = 0;
    for (const double d : direction) norm += d * d;
    std::vector<double> moved(y);
    for (size_t c = 0; c < kGateWidth; ++c) moved[c] += length * direction[c] / std::sqrt(norm);
    return chooses_otherwise(spec, bias, logits(y), logits(moved));
  }

  gate::GateSpec spec;
  std::vector<float> rows, bias;
  GateDistances distances;
};

std::vector<double> random_vector(uint64_t seed, uint32_t index) {
  std::vector<double> y(kGateWidth);
  for (uint32_t c = 0; c < kGateWidth; ++c) y[c] = normal(seed, c, index, 13);
  return y;
}

// In random directions and in those that bring any expert towards any other. Returns the mean
// radius.
double expect_safe(const SmallGate& gate, uint64_t seed) {
  double sum = 0;
  constexpr uint32_t kInputs = 60;
  for (uint32_t input = 0; input < kInputs; ++input) {
    const std::vector<double> y = random_vector(seed, input);
    const double radius = gate.radius(y);
    sum += radius / kInputs;
    for (uint32_t d = 0; d < 60; ++d) {
      EXPECT_FALSE(gate.flips(y, random_vector(seed + 1, input * 60 + d), 0.999 * radius));
    }
    for (size_t i = 0; i < gate.spec.experts; ++i) {
      for (size_t j = 0; j < gate.spec.experts; ++j) {
        if (i == j) continue;
        EXPECT_FALSE(gate.flips(y, gate.across(i, j), 0.999 * radius)) << i << ' ' << j;
      }
    }
  }
  return sum;
}

struct NearestPair {
  double radius = kNoRadius;
  size_t i = 0, j = 0;
};
// min (z_i - z_j) / |G_i - G_j|, from its definition.
NearestPair nearest_pair(const SmallGate& gate, const std::vector<double>& y) {
  const std::vector<float> z = gate.logits(y);
  std::vector<int32_t> top(gate.spec.top_k);
  gate::select(gate.spec, z, gate.bias, top);
  NearestPair nearest;
  for (const int32_t e : top) {
    const auto i = static_cast<size_t>(e);
    for (size_t j = 0; j < z.size(); ++j) {
      if (std::find(top.begin(), top.end(), static_cast<int32_t>(j)) != top.end()) continue;
      double square = 0;
      for (const double d : gate.across(i, j)) square += d * d;
      const double bias_lead =
          gate.bias.empty() ? 0.0 : double{gate.bias[i]} - double{gate.bias[j]};
      const double radius = (double{z[i]} - double{z[j]} + bias_lead) / std::sqrt(square);
      if (radius < nearest.radius) nearest = {radius, i, j};
    }
  }
  return nearest;
}

TEST(AuditGuarantee, IsExactForRankedLogitsAndTheirSoftmax) {
  const gate::GateSpec logits = audit_gate(12, 3, gate::Score::logits);
  for (const gate::GateSpec& spec :
       {logits, audit_gate(12, 3, gate::Score::softmax), biased(logits)}) {
    const SmallGate gate(spec, 40);
    EXPECT_GT(expect_safe(gate, 50), 0.02);
    for (uint32_t input = 0; input < 60; ++input) {
      const std::vector<double> y = random_vector(60, input);
      const NearestPair nearest = nearest_pair(gate, y);
      EXPECT_TRUE(gate.flips(y, gate.across(nearest.i, nearest.j), 1.001 * nearest.radius + 1e-6));
      EXPECT_LE(gate.radius(y), nearest.radius * (1 + 1e-12));
      EXPECT_GT(gate.radius(y), nearest.radius - 1e-4);
    }
  }
}

TEST(AuditGuarantee, IsALowerBoundForScoresWithBias) {
  for (const gate::Score score : {gate::Score::sigmoid, gate::Score::softmax}) {
    const SmallGate gate(biased(audit_gate(12, 3, score)), 70);
    EXPECT_GT(expect_safe(gate, 80), 0.002);
  }
  EXPECT_GT(expect_safe(SmallGate(audit_gate(12, 3, gate::Score::sigmoid), 71), 81), 0.01);
}

TEST(AuditGuarantee, IsALowerBoundForGroups) {
  using gate::GroupScore, gate::Score;
  for (const Score score : {Score::softmax, Score::sigmoid, Score::logits}) {
    for (const GroupScore of_group : {GroupScore::max, GroupScore::top2_sum}) {
      const gate::GateSpec spec = grouped(audit_gate(12, 3, score), 4, 2, of_group);
      EXPECT_GT(expect_safe(SmallGate(spec, 90), 100), 0.001);
      EXPECT_GT(expect_safe(SmallGate(biased(spec), 91), 101), 0.001);
    }
  }
}

// Two groups of two, one kept, both of its experts selected: only the other group can change it.
TEST(AuditGuarantee, AGroupSwapBoundsIt) {
  for (const gate::Score score : {gate::Score::softmax, gate::Score::logits}) {
    const SmallGate gate(grouped(audit_gate(4, 2, score), 2, 1, gate::GroupScore::max), 110);
    for (uint32_t input = 0; input < 30; ++input) {
      const std::vector<double> y = random_vector(120, input);
      const double radius = gate.radius(y);
      ASSERT_TRUE(std::isfinite(radius));
      const std::vector<float> z = gate.logits(y);
      const auto best = static_cast<size_t>(std::max_element(z.begin(), z.end()) - z.begin());
      double expected = kNoRadius;
      for (size_t j = best < 2 ? 2 : 0; j < (best < 2 ? 4u : 2u); ++j) {
        double square = 0;
        for (const double d : gate.across(best, j)) square += d * d;
        expected = std::min(expected, (double{z[best]} - double{z[j]}) / std::sqrt(square));
      }
      EXPECT_NEAR(radius, expected, 1e-4);
    }
  }
}

// Four logits y, y, -y, -y: the sums 2y and -2y of two groups meet where y is 0.
TEST(AuditGuarantee, ASumOfTwoMovesAsFastAsBoth) {
  const gate::GateSpec spec =
      grouped(audit_gate(4, 2, gate::Score::logits), 2, 1, gate::GroupScore::top2_sum);
  const GateDistances distances(std::vector<float>{1, 1, -1, -1}, 4, 1);
  EXPECT_NEAR(guaranteed_radius(spec, {}, std::vector<float>{0.5f, 0.5f, -0.5f, -0.5f}, distances),
              0.5, 1e-5);
}

TEST(AuditGuarantee, TiesAndLogitsThatAreNotFiniteGuaranteeNothing) {
  const gate::GateSpec spec = audit_gate(4, 2, gate::Score::softmax);
  const SmallGate gate(spec, 130);
  const auto radius = [&](std::vector<float> logits) {
    return guaranteed_radius(spec, {}, logits, gate.distances);
  };
  EXPECT_GT(radius({3, 2, 1, 0}), 0.1);
  EXPECT_EQ(radius({3, 2, 2, 0}), 0);
  EXPECT_EQ(radius({3, 2, std::nextafter(2.0f, 0.0f), 0}), 0);  // by less than logits are rounded
  EXPECT_EQ(radius({3, 2, std::numeric_limits<float>::quiet_NaN(), 0}), 0);
  EXPECT_EQ(radius({std::numeric_limits<float>::infinity(), 2, 1, 0}), 0);
}

TEST(AuditGuarantee, EqualRowsNeverPassEachOther) {
  const gate::GateSpec spec = audit_gate(3, 1, gate::Score::logits);
  std::vector<float> rows = audit_normals(140, size_t{3} * kGateWidth, 1);
  std::copy_n(rows.begin(), kGateWidth, rows.begin() + kGateWidth);  // row 1 as row 0
  const GateDistances two(rows, 3, kGateWidth);
  double square = 0;
  for (size_t c = 0; c < kGateWidth; ++c) {
    square += std::pow(double{rows[c]} - double{rows[2 * kGateWidth + c]}, 2);
  }
  EXPECT_EQ(two.between(0, 1), 0);
  EXPECT_NEAR(two.between(2, 0), std::sqrt(square), 1e-6);
  EXPECT_EQ(two.farthest(1), two.between(1, 2));
  const std::vector<float> logits = {1, 1, 0};
  EXPECT_NEAR(guaranteed_radius(spec, {}, logits, two), 1 / std::sqrt(square), 1e-4);
  std::copy_n(rows.begin(), kGateWidth, rows.begin() + 2 * kGateWidth);
  EXPECT_EQ(guaranteed_radius(spec, {}, logits, GateDistances(rows, 3, kGateWidth)), kNoRadius);
}

}  // namespace
}  // namespace rg::experiments::testing
