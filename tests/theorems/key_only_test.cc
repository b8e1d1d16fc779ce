// The functions that the KR checks call report a broken hypothesis.
#include "theorems/key_only.h"

#include <gtest/gtest.h>

#include "theorems/draws.h"
#include "theorems/linear.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

class KeyOnly : public testing::Test {
 protected:
  Draws draws{0, "test"};
  Tensor keys = draws.normal(4, 12), gate = draws.normal(6, 12), inputs = draws.normal(20, 12);
  Tensor made_from_keys = draws.normal(6, 4) * keys;
  RmsNorm plain{.gain = Vector::Ones(12), .epsilon = 0};
  SerialBlock block{.attention_norm = plain,
                    .attention = {.heads = 2,
                                  .kv_heads = 1,
                                  .query = draws.normal(8, 12),
                                  .key = draws.normal(4, 12),
                                  .value = draws.normal(4, 12),
                                  .output = draws.normal(12, 8),
                                  .rotary = {.frequencies = Vector{{1.0, 0.1}}, .unrotated = 0},
                                  .query_gauge = {},
                                  .key_gauge = {}},
                    .gate_norm = plain,
                    .gate = gate};
};

TEST_F(KeyOnly, FactorsExactlyWithoutCollisions) {
  const Tensor summaries = Tensor{{1, 2}, {1, 2}, {0, 1}};
  EXPECT_TRUE(factors(summaries, {{0}, {0}, {1}}));
  EXPECT_FALSE(factors(summaries, {{0}, {1}, {1}}));
  EXPECT_TRUE(collides(summaries, {{0}, {1}, {1}}));
}

TEST_F(KeyOnly, ARandomGateDoesNotComeBackFromFewKeys) {
  EXPECT_TRUE(refused([&](Findings& f) { linear_factorisation(keys, gate, inputs, 2, f); }));
}

TEST_F(KeyOnly, AGateMadeFromTheKeysHasNoObstruction) {
  EXPECT_TRUE(refused([&](Findings& f) { linear_obstruction(keys, made_from_keys, 2, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { too_few_keys(keys, made_from_keys, 2, f); }));
  EXPECT_TRUE(
      refused([&](Findings& f) { normed_obstruction(keys, plain, made_from_keys, plain, 2, f); }));
}

TEST_F(KeyOnly, TheIntervalOfARankDeficientKeyMapIsRefused) {
  Tensor repeated = keys;
  repeated.row(3) = repeated.row(2);
  EXPECT_TRUE(refused([&](Findings& f) { linear_obstruction(repeated, gate, 2, f); }));
}

TEST_F(KeyOnly, ARouterBiasNeedsOneEpsilon) {
  const RmsNorm wide{.gain = Vector::Ones(12), .epsilon = 4};
  const Vector none = Vector::Zero(6), bias = 3 * draws.normal_vector(6);
  Findings without;
  normed_factorisation(keys, wide, made_from_keys, none, plain, inputs, 2, without);
  EXPECT_TRUE(without.all_hold());
  EXPECT_TRUE(refused([&](Findings& f) {
    normed_factorisation(keys, wide, made_from_keys, bias, plain, inputs, 2, f);
  }));
}

TEST_F(KeyOnly, SquareKeysMustBeInvertible) {
  Tensor square = draws.normal(12, 12);
  square.row(0) = square.row(1);
  EXPECT_TRUE(refused([&](Findings& f) { square_keys(square, gate, inputs, plain, 2, f); }));
}

TEST_F(KeyOnly, OneHeadWithANormHidesNothing) {
  const Tensor square = draws.normal(12, 12);
  const Vector x = inputs.row(0).transpose();
  EXPECT_TRUE(refused([&](Findings& f) { per_head_norm_collision(square, 1, gate, x, 2, f); }));
}

TEST_F(KeyOnly, WithoutValuesContextAndScaleDontMatter) {
  block.attention.value.setZero();
  Tensor other = inputs;
  other.topRows(10) = draws.normal(10, 12);
  EXPECT_TRUE(refused([&](Findings& f) { context_collision(block, inputs, other, 2, f); }));
  const Vector x = inputs.row(0).transpose();
  EXPECT_TRUE(refused([&](Findings& f) { scale_collision(block, x, 2, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { kernel_collision(block, x, 2, f); }));  // keys not 0
}

TEST_F(KeyOnly, DistinctTokensCollideNowhere) {
  const std::vector<Set> sets(20, Set{0});
  EXPECT_TRUE(
      refused([&](Findings& f) { reachable_factorisation(inputs, inputs, inputs, sets, f); }));
}

TEST_F(KeyOnly, ASurrogateTooFlatDoesNotReproduceTheRoutes) {
  const Tensor logits = inputs * gate.transpose();
  EXPECT_TRUE(refused([&](Findings& f) { lipschitz_bound(inputs, logits, 0.01 * gate, 2, f); }));
}

TEST_F(KeyOnly, TheResidueBelongsToTheLaw) {
  const Tensor uneven = draws.normal(400, 12) * Vector::LinSpaced(12, 1, 9).asDiagonal();
  const Tensor identity = Tensor::Identity(12, 12);
  EXPECT_TRUE(refused([&](Findings& f) { residue_of_law(uneven, identity, keys, gate, f); }));
  EXPECT_NEAR(residue_share(keys, made_from_keys, identity), 0, 1e-12);
  Vector shares(50);
  for (double& share : shares) {
    share = invisible_share(keys, gate + 2 * draws.normal(6, 4) * keys);  // leans on the keys
  }
  EXPECT_TRUE(refused([&](Findings& f) { residue_null(shares, 4, 12, f); }));
}

TEST_F(KeyOnly, TheKeyClassEndsAtItsRim) {
  const Vector x0 = inputs.row(0).transpose();
  for (const double epsilon : {0.0, 0.3}) {
    const KeyClass keyed = key_class(keys, x0, epsilon);
    const Vector unit = (keyed.projection * draws.normal_vector(12)).normalized();
    Tensor beyond = 1.01 * keyed.rim * unit.transpose();
    EXPECT_TRUE(refused([&](Findings& f) { class_has_one_key(keys, x0, epsilon, beyond, f); }));
    const Tensor outside_of_kernel = 0.5 * keyed.rim * x0.normalized().transpose();
    EXPECT_TRUE(
        refused([&](Findings& f) { class_has_one_key(keys, x0, epsilon, outside_of_kernel, f); }));
  }
}

TEST_F(KeyOnly, AMisjudgedTokenIsSeen) {
  const Vector x0 = inputs.row(0).transpose();
  EXPECT_TRUE(refused([&](Findings& f) {  // a random gate: hardly any token is determined
    determined_by_keys(keys, gate, x0, 0.1, draws.normal(5, 12), 2, f);
  }));
  EXPECT_TRUE(
      refused([&](Findings& f) { undetermined_by_keys(keys, made_from_keys, x0, 0.1, 2, f); }));
  EXPECT_TRUE(refused([&](Findings& f) {  // epsilon 0: the sphere is all there is
    sphere_is_too_small(keys, made_from_keys, x0, 0, 2, f);
  }));
}

}  // namespace
}  // namespace rg::theorems
