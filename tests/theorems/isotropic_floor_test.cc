// The isotropic floor's functions report keys and rotations that break their hypotheses.
#include "theorems/isotropic_floor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "theorems/draws.h"
#include "theorems/one_bit.h"
#include "theorems/refused.h"

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
  concentration(cosines_1bit(draws.normal(2000, 64)), 64, concentration_bound, good);
  concentration(cosines_1bit(draws.sparse(2000, 64, 8)), 64, concentration_bound, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

// What a wrong formula in place of the bound does to the check: it held for frequencies alone.
TEST(IsotropicFloor, RefusesAWrongExponentOfConcentration) {
  const auto seen = [](TailBound bound) {
    return refused([&](Findings& f) { levys_inequality(bound, f); });
  };
  EXPECT_FALSE(seen(concentration_bound));
  EXPECT_TRUE(seen([](Eigen::Index d, double t) {  // twice the exponent
    return 2 * std::exp(-(static_cast<double>(d) - 2) * t * t);
  }));
  EXPECT_TRUE(seen([](Eigen::Index d, double t) {  // half of it
    return 2 * std::exp(-(static_cast<double>(d) - 2) * t * t / 4);
  }));
  EXPECT_TRUE(seen([](Eigen::Index d, double t) {  // another power of t
    return 2 * std::exp(-(static_cast<double>(d) - 2) * t / 2);
  }));
  EXPECT_TRUE(seen([](Eigen::Index d, double t) {  // another power of d
    return 2 * std::exp(-std::sqrt(static_cast<double>(d) - 2) * t * t / 2);
  }));
}

TEST(IsotropicFloor, FrequenciesAloneAcceptTwiceTheExponent) {
  Draws draws(9, "isotropic floor");
  Findings findings;
  const TailBound twice = [](Eigen::Index d, double t) {
    return 2 * std::exp(-(static_cast<double>(d) - 2) * t * t);
  };
  concentration(cosines_1bit(draws.normal(2000, 64)), 64, twice, findings);
  EXPECT_TRUE(findings.all_hold());  // why the bound is called loose, and needs a second check
  EXPECT_TRUE(refused([&](Findings& f) { spread_over_dimensions(twice, f); }));
  EXPECT_FALSE(refused([](Findings& f) { spread_over_dimensions(concentration_bound, f); }));
  EXPECT_TRUE(refused([](Findings& f) {
    spread_over_dimensions([](Eigen::Index d, double t) { return concentration_bound(d, t) / 2; },
                           f);
  }));
}

TEST(IsotropicFloor, DistanceToTheNormalLaw) {
  EXPECT_NEAR(distance_to_normal(Vector{{0}}), std::sqrt(2 / std::numbers::pi), 1e-15);
  EXPECT_NEAR(distance_to_normal(Vector{{5, 5}}), 5, 1e-6);
  EXPECT_NEAR(distance_to_normal(Vector{{1, -1}}), 0.535377, 5e-7);
  EXPECT_NEAR(distance_to_normal(Vector{{1, -1, -1, 1}}), 0.535377, 5e-7);
}

// Over all signs the deviation of the mean cosine is at most 0.2021 of the bound: half the constant
// passes there. The law of a coordinate, which the bound is proved for, is not that near.
TEST(IsotropicFloor, RefusesAWrongConstantOfThirdMoments) {
  Draws draws(10, "isotropic floor");
  const Tensor keys = draws.sparse(20, 8, 1);
  const KeyBound half = [](VectorView key) { return third_moment_bound(key) / 2; };
  const KeyBound twice = [](VectorView key) { return third_moment_bound(key) * 2; };
  const auto law = [&](KeyBound bound) {
    return refused([&](Findings& f) { law_of_a_coordinate(keys, hadamard(8), bound, f); });
  };
  EXPECT_FALSE(law(third_moment_bound));
  EXPECT_TRUE(law(half));
  EXPECT_FALSE(law(twice));  // true, too: the share that is reached tells
  const auto reach = [](KeyBound bound) {
    return refused([&](Findings& f) { reach_of_third_moments(8, bound, f); });
  };
  EXPECT_FALSE(reach(third_moment_bound));
  EXPECT_TRUE(reach(half));
  EXPECT_TRUE(reach(twice));
  EXPECT_TRUE(reach([](VectorView key) { return std::pow(third_moment_bound(key), 2); }));
}

}  // namespace
}  // namespace rg::theorems
