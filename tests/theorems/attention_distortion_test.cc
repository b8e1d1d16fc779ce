// The functions that the AD checks call report a broken hypothesis.
#include "theorems/attention_distortion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/attention.h"
#include "theorems/draws.h"
#include "theorems/one_bit.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

class Distortion : public testing::Test {
 protected:
  Draws draws{0, "test"};
  Vector scores = draws.normal_vector(8), errors = 0.1 * draws.normal_vector(8);
  Vector p = softmax(scores), other = softmax(scores + errors);
  Tensor values = draws.normal(8, 3);
};

TEST_F(Distortion, WeightsOfAColderSoftmaxMoveTooFar) {
  const Tensor from{{0, 0}}, to{{0.1, -0.1}}, even{{0.5, 0.5}};
  const Tensor cold = softmax(4 * to.row(0).transpose()).transpose();
  EXPECT_TRUE(refused([&](Findings& f) { softmax_lipschitz(from, to, even, cold, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { variation_bound(from, to, even, cold, f); }));
}

TEST_F(Distortion, AJacobianBelongsToWeightsOfSumOne) {
  EXPECT_TRUE(refused([](Findings& f) { softmax_jacobian(Vector{{0.5, 0.6}}, f); }));
}

TEST_F(Distortion, MedianAndSpread) {
  const Vector weights{{0.1, 0.2, 0.7}}, v{{10, 20, 1}};
  EXPECT_NEAR(mean_deviation(weights, v), 0.1 * 9 + 0.2 * 19, 1e-12);
  EXPECT_EQ(spread(v), 19);
  EXPECT_NEAR(covariance(weights, v, v), 0.1 * 100 + 0.2 * 400 + 0.7 - 5.7 * 5.7, 1e-12);
}

TEST_F(Distortion, ABoundNeedsNumbers) {
  Tensor keys = draws.normal(8, 4);
  const Tensor query = draws.normal(1, 4), codes = mmse_code(keys);
  keys(2, 1) = std::nan("");
  EXPECT_TRUE(refused([&](Findings& f) { output_bounds(query, keys, codes, values, values, f); }));
}

TEST_F(Distortion, OnlyTheBestScaleHasTheMissingEnergy) {
  const Tensor keys = draws.normal(20, 8), queries = draws.normal(20, 8);
  EXPECT_TRUE(
      refused([&](Findings& f) { code_error_bound(queries, keys, 1.3 * mmse_code(keys), f); }));
}

TEST_F(Distortion, QueriesOfOneDirectionAreNotTypical) {
  const Tensor keys = draws.normal(20, 8);
  const Tensor queries = Vector::Ones(30) * Vector::Unit(8, 0).transpose();
  EXPECT_TRUE(
      refused([&](Findings& f) { typical_score_error(queries, keys, mmse_code(keys), f); }));
}

TEST_F(Distortion, TheIntegralIsThatOfTheseErrors) {
  EXPECT_TRUE(
      refused([&](Findings& f) { covariance_form(scores, p, 2 * errors, other, values, f); }));
  const Vector far = softmax(scores + 20 * errors);
  EXPECT_TRUE(refused([&](Findings& f) { multiplicative_bound(p, errors, far, values, f); }));
}

TEST_F(Distortion, LargeErrorsAreForecastBadly) {
  const Tensor few = draws.normal(100, 8);
  EXPECT_GT(forecast_correlation(scores, 1e-3 * few, values.col(0)), 0.9999);
  EXPECT_LT(forecast_correlation(scores, 50 * few, values.col(0)), 0.9);
}

}  // namespace
}  // namespace rg::theorems
