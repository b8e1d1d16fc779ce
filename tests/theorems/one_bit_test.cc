// The 1-bit arithmetic against values worked out by hand, and ITQ against what it must do.
#include "theorems/one_bit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/key_samples.h"
#include "theorems/linear.h"

namespace rg::theorems {
namespace {

TEST(OneBit, SignOfZeroIsPlusOne) {
  Tensor keys(1, 3);
  keys << 0.0, -2.0, 3.0;
  Tensor expected(1, 3);
  expected << 1.0, -1.0, 1.0;
  EXPECT_EQ(sign_code(keys), expected);
}

TEST(OneBit, CosineByHand) {
  Tensor keys(2, 2);
  keys << 3.0, -4.0, 5.0, 0.0;
  EXPECT_DOUBLE_EQ(cos_1bit(keys.row(0)), 7 / (std::sqrt(2.0) * 5));
  EXPECT_DOUBLE_EQ(beta(keys.row(0)), 49.0 / 50);
  EXPECT_DOUBLE_EQ(cos_1bit(keys.row(1)), 1 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(mean_cosine(keys), (7.0 / 5 + 1) / (2 * std::sqrt(2.0)));
}

TEST(OneBit, AggregatesByHandAndAllDifferent) {
  Tensor keys(2, 2);
  keys << 3.0, -4.0, 5.0, 0.0;  // energy 50; row sums 7 and 5, column sums 8 and 4, total 12
  EXPECT_DOUBLE_EQ(beta_per_key(keys), (49.0 + 25) / (2 * 50));
  EXPECT_DOUBLE_EQ(beta_per_channel(keys), (64.0 + 16) / (2 * 50));
  EXPECT_DOUBLE_EQ(beta_pooled(keys), 144.0 / (4 * 50));
}

TEST(OneBit, CodeHasTheErrorItsAggregateSays) {
  Draws draws(3, "one bit");
  for (const KeySample& sample : key_samples(draws, 16)) {
    const double error = (sample.keys - mmse_code(sample.keys)).squaredNorm();
    EXPECT_NEAR(error / sample.keys.squaredNorm(), 1 - beta_per_key(sample.keys), 1e-13)
        << sample.name;
  }
}

TEST(OneBit, TurnedKeysAreTheRotationTimesEveryKey) {
  Draws draws(4, "one bit");
  const Tensor keys = draws.normal(5, 6), rotation = draws.rotation(6);
  const Vector by_hand = rotation * keys.row(2).transpose();
  EXPECT_LE((turned(keys, rotation).row(2).transpose() - by_hand).norm(), 1e-14);
}

TEST(OneBit, NearestRotationIsOrthogonalAndBeatsOthers) {
  Draws draws(5, "one bit");
  const Tensor matrix = draws.normal(7, 7), best = nearest_rotation(matrix);
  EXPECT_LE((best * best.transpose() - Tensor::Identity(7, 7)).norm(), 1e-13);
  const double value = best.cwiseProduct(matrix).sum();
  for (int i = 0; i < 50; ++i) {
    EXPECT_LT(draws.rotation(7).cwiseProduct(matrix).sum(), value);
  }
}

TEST(OneBit, NoNumberHidesInADecomposition) {
  for (const double hole : {std::nan(""), double{INFINITY}}) {
    Tensor matrix = Tensor::Identity(4, 3);
    matrix(2, 1) = hole;
    EXPECT_TRUE(std::isnan(spectral_norm(matrix)));
    EXPECT_TRUE(singular_values(matrix).array().isNaN().all());
    EXPECT_TRUE(kernel_projection(matrix).array().isNaN().all());
    EXPECT_TRUE(pseudo_inverse(matrix).array().isNaN().all() || rank_of(matrix) == 0);
    EXPECT_TRUE(nearest_rotation(matrix.topRows(3)).array().isNaN().all());
    EXPECT_TRUE(symmetric_eigenvalues(matrix.topRows(3)).array().isNaN().all());
  }
}

TEST(OneBit, ItqFindsTheLatticeItStartedNear) {
  Draws draws(6, "one bit");
  const Tensor hidden = draws.rotation(4);
  const Tensor keys = turned(draws.signs(200, 4), hidden.transpose());
  Tensor near = hidden + 0.05 * draws.normal(4, 4);
  const Itq found = itq(keys, nearest_rotation(near), 50, cosine_weights(keys));
  EXPECT_TRUE(found.settled);
  EXPECT_NEAR(mean_cosine(turned(keys, found.rotation)), 1, 1e-12);
  for (size_t i = 1; i < found.gains.size(); ++i) {
    EXPECT_GE(found.gains[i], found.gains[i - 1] - 1e-9);
  }
}

TEST(OneBit, ItqStopsWithoutClaimingAFixedPoint) {
  Draws draws(7, "one bit");
  const Tensor keys = draws.normal(300, 8);
  const Itq found = itq(keys, Tensor::Identity(8, 8), 1, cosine_weights(keys));
  EXPECT_FALSE(found.settled);
  EXPECT_EQ(found.gains.size(), 2u);
}

TEST(KeySamples, HoldWhatTheirNamesSay) {
  Draws draws(8, "one bit");
  const auto samples = key_samples(draws, 8);
  EXPECT_EQ(samples.size(), 9u);
  for (const KeySample& sample : samples) {
    EXPECT_EQ(sample.keys.cols(), 8) << sample.name;
    EXPECT_GT(sample.keys.rowwise().norm().minCoeff(), 0) << sample.name;
  }
  EXPECT_NEAR(mean_cosine(samples[1].keys), 1, 1e-14);
  EXPECT_NEAR(mean_cosine(samples[3].keys), 1 / std::sqrt(8.0), 1e-14);
  EXPECT_LT(samples[8].keys.rows(), 8);
}

TEST(KeySamples, SlowPlanesKeepTheMeanThatFastOnesLose) {
  Draws draws(9, "one bit");
  const Tensor keys = rope_keys(draws, 500, 8, 10000, 0);
  const Vector mean = keys.colwise().mean();
  EXPECT_LT(mean.head(2).norm(), 0.1 * keys.row(0).head(2).norm());
  EXPECT_GT(mean.tail(2).norm(), 0.9 * keys.row(0).tail(2).norm());
}

}  // namespace
}  // namespace rg::theorems
