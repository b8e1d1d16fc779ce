// The isotropic floor's functions report keys and rotations that break their hypotheses.
#include "theorems/isotropic_floor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

TEST(IsotropicFloor, SeesLiftWhereKeysHaveDirections) {
  Draws draws(0, "isotropic floor");
  Findings findings;
  no_lift(turned(draws.signs(500, 16), draws.rotation(16)), draws.rotation(16), findings);
  EXPECT_TRUE(findings.all_hold());  // one random gauge is as good as another
  const Tensor hidden = draws.rotation(16);
  Findings lifted;
  no_lift(turned(draws.signs(500, 16), hidden.transpose()), hidden, lifted);
  EXPECT_FALSE(lifted.all_hold());
}

TEST(IsotropicFloor, SeesTheKeysARotationWasLearnedFrom) {
  Draws draws(1, "isotropic floor");
  const Tensor keys = draws.normal(64, 16);
  Findings findings;
  no_lift(keys, itq(keys, draws.rotation(16), 20, cosine_weights(keys)).rotation, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(IsotropicFloor, WorstKeyNeedsARotation) {
  Draws draws(2, "isotropic floor");
  Findings findings;
  worst_key(draws.normal(16, 16), findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(IsotropicFloor, ChosenKeysMayAllBeAboveTheFloor) {
  Draws draws(3, "isotropic floor");
  Findings findings;
  worst_mean(draws.signs(20, 16), {Tensor::Identity(16, 16)}, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(IsotropicFloor, ReportsKeysThatAreNotWhiteOrNotOnTheLattice) {
  Draws draws(4, "isotropic floor");
  const Tensor identity = Tensor::Identity(8, 8);
  Findings shifted, off;
  white_keys_on_the_lattice(draws.signs(500, 8).array() + 0.5, identity, 0.3, shifted);
  white_keys_on_the_lattice(draws.normal(500, 8), identity, 0.3, off);
  ASSERT_EQ(shifted.list().size(), 3u);
  ASSERT_EQ(off.list().size(), 3u);
  EXPECT_FALSE(shifted.list()[0].holds);
  EXPECT_FALSE(shifted.list()[1].holds);
  EXPECT_FALSE(off.list()[2].holds);
}

TEST(IsotropicFloor, CeilingIsForNormalKeys) {
  Draws draws(5, "isotropic floor");
  const Tensor identity = Tensor::Identity(8, 8);
  Findings good, bad;
  gaussian_ceiling(draws.normal(2000, 8), identity, identity, good);
  gaussian_ceiling(draws.signs(2000, 8), identity, identity, bad);
  EXPECT_TRUE(good.all_hold());
  ASSERT_EQ(bad.list().size(), 2u);
  EXPECT_FALSE(bad.list()[0].holds);
  EXPECT_FALSE(bad.list()[1].holds);
}

TEST(IsotropicFloor, HadamardNeedsEntriesOfOneSize) {
  Draws draws(6, "isotropic floor");
  Findings good, bad;
  hadamard_over_all_signs(draws.sparse(5, 8, 2), hadamard(8), good);
  hadamard_over_all_signs(draws.sparse(5, 8, 1), Tensor::Identity(8, 8), bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.list()[0].holds);  // (i)
  EXPECT_FALSE(bad.list()[1].holds);  // (ii)
}

TEST(IsotropicFloor, HadamardNeedsRandomSigns) {
  Draws draws(7, "isotropic floor");
  Vector key = Vector::Zero(16);
  key.head(4).setOnes();
  Findings good, bad;
  hadamard_over_draws(key, hadamard(16), draws.signs(200, 16), good);
  hadamard_over_draws(key, hadamard(16), Tensor::Ones(200, 16), bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(IsotropicFloor, MeanSizeOfASumOfSignsByHand) {
  EXPECT_DOUBLE_EQ(mean_size_of_sign_sum(1), 1);
  EXPECT_DOUBLE_EQ(mean_size_of_sign_sum(2), 1);
  EXPECT_DOUBLE_EQ(mean_size_of_sign_sum(3), 1.5);
  EXPECT_DOUBLE_EQ(mean_size_of_sign_sum(4), 1.5);
  EXPECT_DOUBLE_EQ(mean_size_of_sign_sum(5), (5 * 1 + 3 * 5 + 1 * 10) / 16.0);
}

TEST(IsotropicFloor, SeesCosinesThatDoNotConcentrate) {
  Draws draws(8, "isotropic floor");
  Findings good, bad;
  concentration(cosines_1bit(draws.normal(2000, 64)), 64, good);
  concentration(cosines_1bit(draws.sparse(2000, 64, 8)), 64, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

}  // namespace
}  // namespace rg::theorems
