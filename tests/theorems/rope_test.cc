// The functions that the RC checks call report a broken hypothesis.
#include "theorems/rope.h"

#include <gtest/gtest.h>

#include <numbers>

#include "theorems/draws.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

constexpr double kPi = std::numbers::pi;

TEST(Rope, TurnsPairsOfCoordinates) {
  const Rotary rotary{.frequencies = Vector{{kPi / 2, 0}}, .unrotated = 1};
  const Tensor keys = Tensor{{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}};
  const Tensor expected = Tensor{{1, 2, 3, 4, 5}, {-2, 1, 3, 4, 5}};
  EXPECT_LT((at_positions(keys, rotary) - expected).norm(), 1e-15);
}

TEST(Rope, AHalfTurnCommutesWithEverything) {
  EXPECT_TRUE(refused([](Findings& f) { plane_commutant(kPi, f); }));
}

TEST(Rope, EqualCosinesAdmitIntertwiners) {
  EXPECT_TRUE(refused([](Findings& f) { no_intertwiner(0.7, -0.7, f); }));
  EXPECT_TRUE(refused([](Findings& f) { no_intertwiner_with_rest(2 * kPi, f); }));
}

TEST(Rope, FrequenciesBeyondAHalfTurnAliasAndLeaveTheCage) {
  EXPECT_TRUE(refused([](Findings& f) {
    cage({.frequencies = Vector{{1.0, 2 * kPi - 1.0}}, .unrotated = 0}, f);
  }));
}

TEST(Rope, ARotationAcrossPlanesDoesNotFold) {
  Draws draws(0, "test");
  const Rotary rotary{.frequencies = standard_frequencies(2, 100), .unrotated = 0};
  EXPECT_TRUE(refused([&](Findings& f) {
    fold(rotary, draws.rotation(4), draws.normal(4, 4), draws.normal(4, 4), Vector{{0, 3}}, f);
  }));
}

TEST(Rope, GainsDecideWhetherATurnFolds) {
  Draws draws(0, "test");
  const Tensor keys = draws.normal(10, 4);
  const Vector angles{{0.4, 0.9}}, even{{2, 2, 1, -1}}, uneven{{2, 1, 1, 1}};
  EXPECT_TRUE(refused([&](Findings& f) { fold_through_gains(keys, uneven, angles, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { gains_prevent_fold(keys, even, angles, f); }));
}

TEST(Rope, FixedPhasesCanBeTurnedToTheLattice) {
  Draws draws(0, "test");
  Tensor keys = Tensor::Constant(200, 4, 0.1) + 0.01 * draws.normal(200, 4);
  keys.col(0).array() += 3;  // every plane points along its first axis
  keys.col(2).array() += 3;
  EXPECT_TRUE(refused([&](Findings& f) { torus_lift(keys, keys, f); }));
}

TEST(Rope, ACyclicAverageIsExact) {
  Draws draws(0, "test");
  Findings findings;
  cyclic_torus_average(draws.normal(3, 4), 5, {2, 4}, findings);
  EXPECT_TRUE(findings.all_hold());
  ASSERT_EQ(findings.list().size(), 1u);
  EXPECT_GT(findings.list()[0].value, 0.5);
}

TEST(Rope, TheCeilingNeedsARotation) {
  Draws draws(0, "test");
  const Tensor stretched = 1.2 * draws.rotation(8);
  const Tensor keys = draws.normal(10, 8);
  EXPECT_TRUE(refused([&](Findings& f) { rope_ceiling(keys, stretched, 64, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { rope_ceiling_with_rest(keys, 4, stretched, 64, f); }));
}

TEST(Rope, RadiiThatVaryWithinAPlaneMissTheCeiling) {
  Draws draws(0, "test");
  const Tensor keys = draws.normal(50, 8);
  EXPECT_TRUE(refused([&](Findings& f) { plane_scaling(keys, 64, f); }));
}

TEST(Rope, LearnedScalingFollowsTheQueries) {
  Draws draws(0, "test");
  const Tensor keys = draws.normal(60, 4);
  Tensor queries = draws.normal(30, 4);
  queries.leftCols(2) *= 20;  // errors in the first plane are what counts
  const Vector ones = Vector::Ones(2), scale = descend_plane_scale(queries, keys, ones, 8);
  EXPECT_LT(scaled_score_error(queries, keys, scale), scaled_score_error(queries, keys, ones));
  EXPECT_GT(scale[0], scale[1]);
}

}  // namespace
}  // namespace rg::theorems
