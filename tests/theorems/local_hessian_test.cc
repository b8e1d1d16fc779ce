// The local landscape's functions report points outside their regions and searches that are not at
// a fixed point.
#include "theorems/local_hessian.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/one_bit.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

struct Hessian {
  Draws draws{0, "local hessian"};
  Vector signs = draws.signs(8, 1);
  Vector direction = across(draws.normal_vector(8));
  Tensor skew = skew_of(draws.normal(8, 8));
  Vector across(const Vector& v) const { return (v - signs * signs.dot(v) / 8).normalized(); }
  static Tensor skew_of(const Tensor& square) { return square - square.transpose(); }
};

TEST(LocalHessian, TurnsAreRotationsOfTheirLength) {
  Tensor skew = Tensor::Zero(3, 3);
  skew(0, 1) = -0.7;
  skew(1, 0) = 0.7;
  const Tensor turn = turn_of(skew);
  EXPECT_NEAR(turn(0, 0), std::cos(0.7), 1e-15);
  EXPECT_NEAR(turn(1, 0), std::sin(0.7), 1e-15);
  EXPECT_NEAR(turn_length(skew), 0.7, 1e-15);
}

TEST(LocalHessian, ProfileEndsWithItsRegion) {
  Hessian s;
  Findings inside, outside;
  geodesic_profile(s.signs, s.direction, 0.9 * region_limit(s.direction), inside);
  geodesic_profile(s.signs, s.direction, 1.5 * region_limit(s.direction), outside);
  EXPECT_TRUE(inside.all_hold());
  for (const Finding& f : outside.list()) EXPECT_FALSE(f.holds) << f.quantity;
}

TEST(LocalHessian, ProfileNeedsALatticePoint) {
  Hessian s;
  Findings findings;
  geodesic_profile(s.draws.normal_vector(8), s.direction, 0.01, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(LocalHessian, CurvatureNeedsALatticePoint) {
  Hessian s;
  const Vector off = s.signs + 0.3 * s.draws.normal_vector(8);
  Findings lattice, geodesic, spectrum;
  lattice_curvature(off, s.skew, lattice);
  geodesic_curvature(off, s.direction, 0.01, geodesic);
  lattice_spectrum(off, spectrum);
  EXPECT_FALSE(lattice.all_hold());
  EXPECT_FALSE(geodesic.all_hold());
  EXPECT_FALSE(spectrum.all_hold());
}

TEST(LocalHessian, CurvatureNeedsASkewMatrix) {
  Hessian s;
  Findings good, bad;
  lattice_curvature(s.signs, s.skew, good);
  lattice_curvature(s.signs, s.draws.normal(8, 8), bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(LocalHessian, GradientNeedsCoordinatesOffZero) {
  Hessian s;
  Findings good, bad, stretch;
  gradient_identity(s.draws.normal(5, 8), s.skew, good);
  gradient_identity(s.draws.sparse(5, 8, 3), s.skew, bad);
  gradient_identity(s.draws.normal(5, 8), s.draws.normal(8, 8), stretch);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
  EXPECT_FALSE(stretch.all_hold());
}

TEST(LocalHessian, FlowIsNoFlowInLongSteps) {
  Hessian s;
  const Vector key = s.draws.normal_vector(8);
  Findings good, bad;
  flow_contracts(key, 0.01, 200, good);
  flow_contracts(key, 3, 20, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(LocalHessian, ASearchThatLosesItsNumbersIsSeen) {
  Hessian s;
  Vector key = s.draws.normal_vector(8);
  key(3) = std::nan("");
  Findings flow, steps;
  flow_contracts(key, 0.01, 10, flow);
  gradient_steps(key, 0.5, 10, step_contraction, steps);
  EXPECT_FALSE(flow.list()[0].holds);
  EXPECT_FALSE(steps.all_hold());
  Findings blown_up;
  gradient_steps(s.draws.normal_vector(8), 1e200, 10, step_contraction,
                 blown_up);  // turns that overflow
  EXPECT_FALSE(blown_up.list()[0].holds);
}

TEST(LocalHessian, OnlyAFixedPointIsOne) {
  Hessian s;
  const Tensor keys = s.draws.normal(80, 8);
  const Vector weights = cosine_weights(keys);
  const Itq found = itq(keys, s.draws.rotation(8), 1000, weights);
  Findings good, random, flipped;
  itq_fixed_point(keys, found.rotation, weights, good);
  itq_fixed_point(keys, s.draws.rotation(8), weights, random);
  itq_fixed_point(keys, found.rotation, weights.array() * (1 + Vector::LinSpaced(80, 0, 1).array()),
                  flipped);
  EXPECT_TRUE(found.settled);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(random.list()[0].holds);
  EXPECT_FALSE(flipped.list()[0].holds);  // a fixed point for other weights
}

TEST(LocalHessian, ExpansionNeedsRotatedCoordinatesOffZero) {
  Hessian s;
  const Tensor identity = Tensor::Identity(8, 8);
  Findings good, zeros, stretch;
  second_order_expansion(s.draws.normal(30, 8), identity, Vector::Ones(30), s.skew, good);
  second_order_expansion(s.draws.sparse(30, 8, 3), identity, Vector::Ones(30), s.skew, zeros);
  second_order_expansion(s.draws.normal(30, 8), identity, Vector::Ones(30),
                         s.skew + 0.1 * s.draws.normal(8, 8), stretch);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(zeros.all_hold());
  EXPECT_FALSE(stretch.all_hold());
}

TEST(LocalHessian, OnlyNormalKeysAreFlat) {
  Hessian s;
  Findings good, bad;
  flat_population(s.draws.normal(8000, 8), s.skew, 0.2, good);
  flat_population(s.draws.signs(8000, 8), s.skew, 0.2, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(LocalHessian, WayNeedsTheRegion) {
  Hessian s;
  const double limit = region_limit(s.direction);
  Findings good, bad;
  way_along_geodesic(s.signs, s.direction, 0.8 * limit, 0.2 * limit, good);
  way_along_geodesic(s.signs, s.direction, 2.5 * limit, 0.2 * limit, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(LocalHessian, LongGradientStepsDoNotContract) {
  Hessian s;
  const double angle = 0.8 * region_limit(s.direction);
  const Vector key = std::cos(angle) * s.signs / std::sqrt(8.0) + std::sin(angle) * s.direction;
  Findings good, bad;
  gradient_steps(key, 0.5, 500, step_contraction, good);
  gradient_steps(key, 2.5, 500, step_contraction, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

// Steps near the lattice leave (1 - eta)^2, far less than 1 - eta/2: from there alone a check
// accepts 1 - 3 eta/2.
TEST(LocalHessian, RefusesAWrongContraction) {
  Hessian s;
  const Vector key = 0.999 * s.signs / std::sqrt(8.0) + 0.0447 * s.direction;
  Vector half = s.signs.normalized();
  half.head(4) *= -1;
  const auto once = [&](Contraction contraction) {
    return refused([&](Findings& f) { gradient_steps(key, 0.5, 500, contraction, f); });
  };
  const auto sharp = [&](Contraction contraction) {
    return refused([&](Findings& f) { sharp_contraction(s.signs, half, contraction, f); });
  };
  const auto one_hot = [](Contraction contraction) {
    return refused([&](Findings& f) { contraction_of_one_hot_key(4096, contraction, f); });
  };
  const Contraction fast = [](double eta) { return 1 - 1.4 * eta; };
  const Contraction twice = [](double eta) { return 1 - eta; };
  const Contraction slow = [](double eta) { return 1 - eta / 4; };
  EXPECT_FALSE(once(step_contraction) || once(fast) || once(twice) || once(slow));
  EXPECT_FALSE(sharp(step_contraction));
  EXPECT_FALSE(one_hot(step_contraction));
  EXPECT_TRUE(sharp(fast));
  EXPECT_TRUE(sharp(twice));
  EXPECT_TRUE(sharp(slow));
  EXPECT_TRUE(one_hot(fast));
  EXPECT_TRUE(one_hot(twice));
}

TEST(LocalHessian, SharpContractionNeedsALatticePoint) {
  Hessian s;
  EXPECT_FALSE(
      refused([&](Findings& f) { sharp_contraction(s.signs, s.direction, step_contraction, f); }));
  EXPECT_TRUE(refused([&](Findings& f) {
    sharp_contraction(s.draws.normal_vector(8), s.direction, step_contraction, f);
  }));
}

TEST(LocalHessian, FixedStepsNeedTheRegion) {
  Hessian s;
  const double limit = region_limit(s.direction);
  Findings good, bad;
  fixed_angle_steps(s.signs, s.direction, 0.9 * limit, 0.2 * limit, good);
  fixed_angle_steps(s.draws.normal_vector(8), s.direction, 0.9 * limit, 0.2 * limit, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(LocalHessian, TellsGeometricFromPowerDecay) {
  Vector geometric(30), power(30);
  std::vector<double> climbing, crawling;
  for (int t = 1; t <= 30; ++t) {
    geometric(t - 1) = std::pow(0.8, t) * (1 + 0.01 * (t % 3));
    power(t - 1) = std::pow(t, -1.5) * (1 + 0.01 * (t % 3));
    climbing.push_back(1 - geometric(t - 1));
    crawling.push_back(1 - power(t - 1));
  }
  EXPECT_LT(decay_fit(geometric).geometric, decay_fit(geometric).power);
  EXPECT_GT(decay_fit(power).geometric, decay_fit(power).power);
  climbing.push_back(1);
  crawling.push_back(1);
  Findings good, bad;
  decay_of_search(climbing, good);
  decay_of_search(crawling, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

}  // namespace
}  // namespace rg::theorems
