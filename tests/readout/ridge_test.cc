// Streamed moments and ridge readouts.
#include "readout/ridge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "linear/decompositions.h"
#include "readout/tables.h"

namespace rg::readout {
namespace {

using theorems::Draws;
using theorems::Tensor;

// Unequal columns, far from 0, correlated.
Tensor uneven_rows(uint64_t seed, Eigen::Index rows, Eigen::Index columns) {
  Draws draws(seed, "rows");
  Tensor out = draws.normal(rows, columns) * draws.normal(columns, columns);
  for (Eigen::Index j = 0; j < columns; ++j) {
    out.col(j) *= std::pow(10.0, static_cast<double>(j % 4) - 1);
    out.col(j).array() += 300 * static_cast<double>(j % 3);
  }
  return out;
}

Tensor as_stored(const std::vector<float>& values, Eigen::Index columns) {
  Tensor out(static_cast<Eigen::Index>(values.size()) / columns, columns);
  for (size_t i = 0; i < values.size(); ++i) {
    out.data()[i] = static_cast<double>(values[i]);
  }
  return out;
}

TEST(MomentTest, EqualFp64) {
  const std::vector<float> values = to_floats(uneven_rows(1, 700, 150));
  const Tensor rows = as_stored(values, 150);
  MomentSums sums(150, 2);
  sums.add(values);
  const SecondMoments moments = sums.finish();
  EXPECT_EQ(moments.rows, 700u);
  const theorems::Vector mean = rows.colwise().mean().transpose();
  Tensor centred = rows;
  centred.rowwise() -= mean.transpose();
  const Tensor covariance = centred.transpose() * centred / 700;
  for (Eigen::Index i = 0; i < 150; ++i) {
    EXPECT_NEAR(moments.mean[i], mean[i], 1e-6 * std::sqrt(covariance(i, i)) + 1e-12);
    for (Eigen::Index j = 0; j < 150; ++j) {
      const double size = std::sqrt(covariance(i, i) * covariance(j, j));
      EXPECT_NEAR(moments.covariance(i, j), covariance(i, j), 2e-6 * size);
      EXPECT_EQ(moments.covariance(i, j), moments.covariance(j, i));
    }
  }
}

TEST(MomentTest, ThreadsAndCutsChangeNoBit) {
  const std::vector<float> values = to_floats(uneven_rows(2, 600, 140));
  MomentSums whole(140, 1), cut(140, 3);
  whole.add(values);
  size_t at = 0;
  for (const size_t rows : {1u, 254u, 2u, 300u, 43u}) {
    cut.add(std::span(values).subspan(at * 140, rows * 140));
    at += rows;
  }
  ASSERT_EQ(at, 600u);
  const SecondMoments one = whole.finish(), other = cut.finish();
  EXPECT_EQ(one.mean, other.mean);
  EXPECT_EQ(one.covariance, other.covariance);
}

TEST(MomentTest, ConstantColumnsHaveNoVariance) {
  std::vector<float> values(300 * 3);
  for (size_t n = 0; n < 300; ++n) {
    values[n * 3] = 0.1f;
    values[n * 3 + 1] = 1e6f;
    values[n * 3 + 2] = n % 2 == 0 ? 1.0f : -1.0f;
  }
  MomentSums sums(3, 1);
  sums.add(values);
  const SecondMoments moments = sums.finish();
  EXPECT_EQ(moments.covariance(0, 0), 0);
  EXPECT_EQ(moments.covariance(1, 1), 0);
  EXPECT_NEAR(moments.covariance(2, 2), 1, 1e-12);
  EXPECT_GE(MomentSums::bytes(8192, 2), 512u << 20);
  EXPECT_LE(MomentSums::bytes(8192, 2), 550u << 20);
}

TEST(RidgeTest, ObeysTheNormalEquations) {
  const std::vector<float> values = to_floats(uneven_rows(3, 900, 20));
  const Tensor rows = as_stored(values, 20);
  MomentSums sums(20, 1);
  sums.add(values);
  const SecondMoments moments = sums.finish();
  const Columns features = {2, 17}, targets = {17, 20};
  const std::vector<double> grid = {0.3, 10};
  const auto path = ridge_path(moments, features, targets, grid, 2);
  Tensor centred = rows;
  centred.rowwise() -= rows.colwise().mean();
  Tensor x = centred.middleCols(2, 15);
  for (Eigen::Index j = 0; j < 15; ++j) x.col(j) /= std::sqrt(x.col(j).squaredNorm() / 900);
  const Tensor y = centred.rightCols(3);
  for (size_t step = 0; step < 2; ++step) {
    const Tensor left = x.transpose() * x / 900 + grid[step] * Tensor::Identity(15, 15);
    const Tensor wanted = linear::inverse(left) * x.transpose() * y / 900;
    ASSERT_TRUE(path[step].has_value());
    const Tensor found = as_stored(path[step]->weights, 15);
    EXPECT_LE((found - wanted.transpose()).norm(), 2e-5 * wanted.norm());
  }
}

TEST(RidgeTest, RepeatedAndConstantFeatures) {
  Draws draws(4, "repeated");
  Tensor rows = draws.normal(500, 6);
  rows.col(1) = rows.col(0);
  rows.col(2).setConstant(7);
  rows.rightCols(2) = rows.leftCols(1) * draws.normal(1, 2);
  const std::vector<float> values = to_floats(rows);
  MomentSums sums(6, 1);
  sums.add(values);
  const SecondMoments moments = sums.finish();
  const std::vector<double> grid = {0, 1e-4};
  const auto path = ridge_path(moments, {0, 4}, {4, 6}, grid, 1);
  EXPECT_FALSE(path[0].has_value());  // singular
  ASSERT_TRUE(path[1].has_value());
  EXPECT_NEAR(path[1]->weights[0], path[1]->weights[1], 1e-3);
  EXPECT_EQ(path[1]->weights[2], 0);
  EXPECT_EQ(path[1]->inputs.scale[2], 0);
  const FeatureRows features = {.values = values, .width = 6};
  const std::vector<float> left = to_floats(Tensor(rows.leftCols(4)));
  const std::vector<float> predicted =
      predict(*path[1], {.values = left, .width = 4}, all_rows(500), 2);
  for (size_t n = 0; n < 500; ++n) {
    for (size_t j = 0; j < 2; ++j) {
      EXPECT_NEAR(predicted[n * 2 + j], features.row(static_cast<uint32_t>(n))[4 + j], 2e-3);
    }
  }
}

TEST(RidgeTest, PredictsTheRowsAsked) {
  const Tensor rows = uneven_rows(5, 400, 30);
  const std::vector<float> values = to_floats(rows);
  MomentSums sums(30, 1);
  sums.add(values);
  const SecondMoments moments = sums.finish();
  const std::vector<double> grid = {1e-3};
  const auto path = ridge_path(moments, {0, 30}, {25, 30}, grid, 1);
  const FeatureRows features = {.values = values, .width = 30};
  const std::vector<float> all = predict(*path[0], features, all_rows(400), 3);
  const std::vector<uint32_t> some = {399, 7, 130};
  const std::vector<float> picked = predict(*path[0], features, some, 1);
  for (size_t i = 0; i < some.size(); ++i) {
    for (size_t j = 0; j < 5; ++j) {  // a row's place in its tile may change the last bits (AVX2)
      const float wanted = all[some[i] * 5 + j];
      EXPECT_NEAR(picked[i * 5 + j], wanted, 1e-4f * (1 + std::abs(wanted)));
    }
  }
}

}  // namespace
}  // namespace rg::readout
