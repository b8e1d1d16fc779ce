// Centring's functions report what is not one vector, not Gaussian, or not the best gauge.
#include "theorems/centering.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

TEST(Centering, ShiftsThatDrownTheKeysAreReported) {
  Draws draws(0, "centering");
  Findings findings;
  shift_keeps_attention(draws.normal(5, 8), draws.normal(9, 8), Vector::Constant(8, 1e17),
                        findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(Centering, CoordinateMeansAreNotOneVector) {
  Draws draws(1, "centering");
  const Tensor queries = draws.normal(5, 8), keys = draws.normal(9, 8);
  EXPECT_LE(attention_change(queries, keys, without(keys, mean_key(keys))), 1e-13);
  EXPECT_GT(attention_change(queries, keys, without_coordinate_means(keys)), 1e-3);
}

TEST(Centering, CorrectionNeedsTheTableOfItsPositions) {
  Draws draws(2, "centering");
  const Rotary rotary{.frequencies = standard_frequencies(4, 100), .unrotated = 0};
  const Vector mean = draws.normal_vector(8);
  const Tensor queries = draws.normal(12, 8), keys = draws.normal(12, 8);
  const Tensor table = correction_table(mean, rotary, 13);
  Findings good, late;
  correction_restores_scores(queries, keys, mean, table.topRows(12), rotary, good);
  correction_restores_scores(queries, keys, mean, table.bottomRows(12), rotary, late);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(late.all_hold());
}

TEST(Centering, SharesByHand) {
  const Rotary rotary{.frequencies = Vector::Constant(1, 3.14159265358979), .unrotated = 0};
  Vector mean(2);
  mean << 3, 4;
  EXPECT_NEAR(surviving_shares(mean, rotary, 2)(0), 0, 1e-20);  // opposite positions cancel
  EXPECT_NEAR(surviving_shares(mean, rotary, 3)(0), 1.0 / 9, 1e-13);
}

TEST(Centering, SharesAreReportedForAPlaneWithoutMean) {
  const Rotary rotary{.frequencies = Vector::Ones(2), .unrotated = 0};
  Findings findings;
  shares_by_frequency(Vector::Unit(4, 0), rotary, 10, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(Centering, PlaneSearchFindsAHiddenLattice) {
  Tensor keys(3, 2);
  const double a = 0.123;
  keys << std::cos(a), std::sin(a), -2 * std::sin(a), 2 * std::cos(a), 3 * std::cos(a),
      3 * std::sin(a);
  EXPECT_NEAR(suprema_in_plane(keys).mean_cosine, 1, 1e-9);
  EXPECT_NEAR(suprema_in_plane(keys).per_key, 1, 1e-9);
  EXPECT_LT(suprema_in_plane(keys).pooled, 0.9);  // unequal lengths
}

TEST(Centering, SpaceSearchFindsAHiddenLattice) {
  Draws draws(3, "centering");
  const Tensor keys = turned(draws.signs(3, 3), draws.rotation(3));
  const GridBest grid = best_mean_cosine_in_space(keys, 60);
  EXPECT_LE(grid.best, 1 + 1e-12);
  EXPECT_GE(grid.best + grid.slack, 1);
}

TEST(Centering, MirrorTakesAVectorToTheOnes) {
  Draws draws(4, "centering");
  const Vector v = draws.normal_vector(6);
  const Tensor mirror = mirror_to_ones(v);
  EXPECT_LE((mirror * v - Vector::Constant(6, v.norm() / std::sqrt(6))).norm(), 1e-13);
  EXPECT_LE((mirror * mirror.transpose() - Tensor::Identity(6, 6)).norm(), 1e-13);
}

TEST(Centering, CloudRatiosNeedNormalKeysOfThatSpread) {
  Draws draws(5, "centering");
  const Vector mean = 3 * draws.normal_vector(8);
  const Tensor noise = draws.normal(2000, 8);
  Findings good, wide, lattice;
  cloud_ratios(noise.rowwise() + mean.transpose(), mean, 1, good);
  cloud_ratios((2 * noise).rowwise() + mean.transpose(), mean, 1, wide);
  cloud_ratios(draws.signs(2000, 8).rowwise() + mean.transpose(), mean, 1, lattice);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(wide.all_hold());
  EXPECT_FALSE(lattice.all_hold());
}

TEST(Centering, ErrorsNeedRotationsAndKeysThatDiffer) {
  Draws draws(6, "centering");
  const Tensor identity = Tensor::Identity(8, 8), keys = draws.cloud(30, 8, 2);
  Findings good, stretched, equal;
  centering_errors(keys, identity, identity, good);
  centering_errors(keys, 2 * identity, identity, stretched);
  centering_errors(Tensor::Ones(30, 8), identity, identity, equal);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(stretched.all_hold());
  EXPECT_FALSE(equal.all_hold());
}

TEST(Centering, NeedNotHelpKeysOnTheLattice) {
  Draws draws(7, "centering");
  Tensor keys = draws.signs(2000, 8);
  keys.col(0).setOnes();
  keys.col(1) = keys.col(2);  // on the lattice, with a mean: the raw error is 0
  const Tensor kept = (keys.rowwise().sum().array() > 0).replicate(1, 8).select(keys, -keys);
  Findings findings;
  gaussian_centering(kept, mean_key(kept), 1, Tensor::Identity(8, 8), findings);
  ASSERT_EQ(findings.list().size(), 2u);
  EXPECT_FALSE(findings.list()[1].holds);
}

TEST(Centering, SeesAGaugeThatIsStuck) {
  Draws draws(8, "centering");
  const Tensor keys = draws.normal(50, 16).rowwise() + 50 * Vector::Unit(16, 3).transpose();
  Findings findings;
  beats_alignment(keys, mean_key(keys), Tensor::Identity(16, 16), findings);
  EXPECT_FALSE(findings.all_hold());
}

}  // namespace
}  // namespace rg::theorems
