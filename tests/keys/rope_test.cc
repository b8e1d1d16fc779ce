// Gauges that respect RoPE, and the anchors of keys.
#include "theorems/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "keys/anchors.h"
#include "keys/givens.h"
#include "keys/hadamard.h"
#include "keys/one_bit.h"
#include "keys/principal.h"
#include "keys/rope_gauges.h"
#include "keys/rotary_turn.h"
#include "samples.h"
#include "theorems/isotropic_floor.h"
#include "theorems/moment_ratio.h"
#include "theorems/one_bit.h"

namespace rg::keys {
namespace {

using theorems::Tensor;

// Pairs (j, j + turning / 2), the rest of the columns unrotated.
RotaryPlanes half_split(uint32_t turning) {
  RotaryPlanes out;
  for (uint32_t j = 0; j < turning / 2; ++j) {
    out.pairs.push_back({j, j + turning / 2});
    out.frequencies.push_back(std::pow(1e4, -2.0 * j / turning));
  }
  return out;
}

double mean_cosine(const Sample& sample, const linear::Matrix& gauge) {
  return theorems::mean_cosine(theorems::turned(sample.tensor(), Tensor(gauge)));
}

PackedKeys packed_for_rope(const Sample& sample) {
  return PackedKeys(sample.values, sample.width, PackedKeys::Use::turn_and_moments);
}

TEST(Torus, OnePlaneIsTheGlobalOptimumByGrid) {
  theorems::Draws draws(1, "torus");
  Tensor keys = draws.normal(300, 2);
  keys.col(0) += 2 * keys.col(1);
  const Sample sample = sample_of(keys);
  const PackedKeys packed = packed_for_rope(sample);
  const linear::Matrix gauge = torus_gauge(ItqKeys(packed), half_split(2), Metric::mean_cosine);
  double best = 0;
  for (int i = 0; i < 20000; ++i) {
    const double angle = std::numbers::pi / 2 * i / 20000;
    linear::Matrix turn(2, 2);
    turn << std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle);
    best = std::max(best, mean_cosine(sample, turn));
  }
  EXPECT_NEAR(mean_cosine(sample, gauge), best, 1e-7);
  EXPECT_GT(best, mean_cosine(sample, linear::Matrix::Identity(2, 2)) + 0.01);
}

TEST(Torus, AnglesAreTheTheoremsPlaneByPlane) {
  theorems::Draws draws(2, "torus");
  const Tensor adjacent = draws.cloud(500, 8, 2);
  const Sample sample = sample_of(adjacent);
  RotaryPlanes planes;
  for (uint32_t j = 0; j < 4; ++j) {
    planes.pairs.push_back({2 * j, 2 * j + 1});
    planes.frequencies.push_back(1.0 / (j + 1));
  }
  const PackedKeys packed = packed_for_rope(sample);
  const linear::Matrix gauge = torus_gauge(ItqKeys(packed), planes, Metric::mean_cosine);
  const theorems::Vector angles = theorems::best_plane_angles(sample.tensor());
  EXPECT_NEAR(mean_cosine(sample, gauge),
              mean_cosine(sample, linear::Matrix(theorems::plane_turn(angles, 0))), 1e-7);
  EXPECT_LE(commutation_defect(gauge, planes), 1e-13);
}

TEST(Torus, DoesNotMixPlanesOrTouchTheRest) {
  const Sample sample = uneven_sample(3, 400, 10);
  const RotaryPlanes planes = half_split(6);  // columns 6..9 stay
  EXPECT_EQ(planes.unrotated(10), (std::vector<uint32_t>{6, 7, 8, 9}));
  const PackedKeys packed = packed_for_rope(sample);
  const ItqKeys keys(packed);
  const linear::Matrix torus = torus_gauge(keys, planes, Metric::mean_cosine);
  EXPECT_EQ(torus.bottomRightCorner(4, 4), linear::Matrix::Identity(4, 4));
  EXPECT_EQ(torus(0, 1), 0);
  EXPECT_NE(torus(0, 3), 0);
  const linear::Matrix foldable = foldable_rotation(keys, planes, Metric::mean_cosine, {});
  EXPECT_LE(commutation_defect(foldable, planes), 1e-13);
  EXPECT_LE((foldable * foldable.transpose() - linear::Matrix::Identity(10, 10)).norm(), 1e-12);
  EXPECT_GT(mean_cosine(sample, torus), mean_cosine(sample, linear::Matrix::Identity(10, 10)));
  EXPECT_GT(mean_cosine(sample, foldable), mean_cosine(sample, torus) + 1e-3);
  EXPECT_GT(commutation_defect(hadamard_matrix(8), half_split(8)), 0.1);
}

TEST(PlaneScaling, IsOneOverTheRmsOfEveryPlane) {
  const Sample sample = uneven_sample(4, 300, 6);
  const PackedKeys packed = packed_for_rope(sample);
  RotaryPlanes planes;
  planes.pairs = {{0, 1}, {2, 3}};
  planes.frequencies = {1.0, 0.1};
  const linear::Matrix gauge = plane_scaling(second_moments(packed), 300, planes);
  const theorems::Vector scale = theorems::inverse_plane_rms(sample.tensor());
  EXPECT_NEAR(gauge(0, 0), scale[0], 1e-6 * scale[0]);
  EXPECT_EQ(gauge(1, 1), gauge(0, 0));
  EXPECT_NEAR(gauge(3, 3), scale[1], 1e-6 * scale[1]);
  EXPECT_NEAR(gauge(4, 4), std::sqrt(300 / sample.tensor().col(4).squaredNorm()), 1e-5);
  EXPECT_LE(commutation_defect(gauge, planes), 1e-15);
  linear::Matrix silent = second_moments(packed);
  silent.row(5).setZero();
  silent.col(5).setZero();
  EXPECT_EQ(plane_scaling(silent, 300, planes)(5, 5), 1);
}

TEST(PlaneScaling, ReachesTheCeilingOfUniformPhases) {
  theorems::Draws draws(5, "phases");
  const uint32_t d = 16, n = 6000;
  Tensor keys(n, d);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index plane = 0; plane < d / 2; ++plane) {
      const double radius = 1 / (1.0 + static_cast<double>(plane));
      const double phase = 2 * std::numbers::pi * draws.uniform();
      keys(i, plane) = radius * std::cos(phase);
      keys(i, plane + d / 2) = radius * std::sin(phase);
    }
  }
  const Sample sample = sample_of(keys);
  const PackedKeys packed = packed_for_rope(sample);
  const linear::Matrix gauge = plane_scaling(second_moments(packed), n, half_split(d));
  EXPECT_NEAR(mean_cosine(sample, gauge), rope_ceiling_cosine(0), 0.003);
  EXPECT_LT(mean_cosine(sample, linear::Matrix::Identity(d, d)), 0.85);
}

TEST(PlaneScaling, DescentIsTheTheoremsOnTheScoreError) {
  const Sample sample = uneven_sample(8, 150, 6), queries = uneven_sample(9, 40, 6);
  RotaryPlanes planes;
  planes.pairs = {{0, 1}, {2, 3}, {4, 5}};
  planes.frequencies = {1.0, 0.1, 0.01};
  const PackedKeys packed = packed_for_rope(sample);
  const linear::Matrix start = plane_scaling(second_moments(packed), 150, planes);
  const linear::Matrix moments = queries.tensor().transpose() * queries.tensor() / 40;
  const linear::Matrix found = descend_plane_scaling(packed, planes, start, moments, 12);
  const auto error_of = [&](const linear::Matrix& gauge) {
    theorems::Vector scale(3);
    scale << gauge(0, 0), gauge(2, 2), gauge(4, 4);
    return theorems::scaled_score_error(queries.tensor(), sample.tensor(), scale);
  };
  const theorems::Vector exact = theorems::descend_plane_scale(
      queries.tensor(), sample.tensor(), theorems::inverse_plane_rms(sample.tensor()), 12);
  EXPECT_NEAR(error_of(found),
              theorems::scaled_score_error(queries.tensor(), sample.tensor(), exact),
              1e-3 * error_of(found));
  EXPECT_LT(error_of(found), 0.999 * error_of(start));
  EXPECT_EQ(found(1, 1), found(0, 0));
  EXPECT_LE(commutation_defect(found, planes), 1e-15);
}

TEST(Blocks, StayApartAndFindWhatIsInside) {
  theorems::Draws draws(6, "blocks");
  Tensor keys(700, 12);
  keys << draws.signs(700, 4) * draws.rotation(4).transpose(),
      draws.signs(700, 8) * draws.rotation(8).transpose();
  const Sample sample = sample_of(keys);
  const PackedKeys packed = packed_for_rope(sample);
  const std::vector<std::vector<uint32_t>> groups{{0, 1, 2, 3}, {4, 5, 6, 7, 8, 9, 10, 11}};
  const linear::Matrix gauge = block_rotation(ItqKeys(packed), groups, Metric::mean_cosine, {});
  EXPECT_EQ(gauge.topRightCorner(4, 8).norm(), 0);
  EXPECT_EQ(gauge.bottomLeftCorner(8, 4).norm(), 0);
  EXPECT_LE((gauge * gauge.transpose() - linear::Matrix::Identity(12, 12)).norm(), 1e-12);
  EXPECT_GT(mean_cosine(sample, gauge),
            mean_cosine(sample, linear::Matrix::Identity(12, 12)) + 0.05);
}

TEST(Planes, RefusedIfTheyShareAColumn) {
  RotaryPlanes planes;
  planes.pairs = {{0, 1}, {1, 2}};
  planes.frequencies = {1, 1};
  EXPECT_ANY_THROW(check_planes(planes, 4));
  planes.pairs = {{0, 1}, {2, 4}};
  EXPECT_ANY_THROW(check_planes(planes, 4));
  planes.pairs = {{0, 1}, {2, 3}};
  EXPECT_NO_THROW(check_planes(planes, 4));
}

TEST(Principal, DiagonalisesAndHadamardEqualises) {
  const Sample sample = uneven_sample(7, 500, 16);
  const PackedKeys packed = packed_for_rope(sample);
  const linear::Matrix moments = second_moments(packed);
  const Axes axes = principal_axes(moments);
  const linear::Matrix diagonal = axes.rotation * moments * axes.rotation.transpose();
  EXPECT_LE((diagonal - linear::Matrix(axes.values.asDiagonal())).norm(), 1e-10 * moments.norm());
  for (Eigen::Index i = 1; i < 16; ++i) EXPECT_LE(axes.values[i], axes.values[i - 1]);
  const linear::Matrix equal = hadamard_matrix(16) * axes.rotation;
  const linear::Column variances = (equal * moments * equal.transpose()).diagonal();
  EXPECT_LE((variances.array() - moments.trace() / 16).abs().maxCoeff(), 1e-10 * moments.norm());
  EXPECT_NEAR(gaussian_pooled_beta(moments, equal), 2 / std::numbers::pi, 1e-12);
  EXPECT_LT(gaussian_pooled_beta(moments, axes.rotation),
            gaussian_pooled_beta(moments, linear::Matrix::Identity(16, 16)));
  const linear::Matrix rotation = theorems::Draws(7, "any").rotation(16);
  EXPECT_NEAR(gaussian_pooled_beta(moments, rotation),
              theorems::gaussian_pooled_ratio(Tensor(moments), Tensor(rotation)), 1e-12);
}

TEST(Anchors, AreTheTheoremsAndTheCataloguesNumbers) {
  for (const uint32_t d : {1u, 2u, 3u, 64u, 128u, 256u, 576u}) {
    EXPECT_NEAR(gaussian_cosine(d), theorems::sphere_cosine(d), 1e-12) << d;
    EXPECT_NEAR(gaussian_beta(d), theorems::sphere_beta(d), 1e-15) << d;
    EXPECT_NEAR(gaussian_cosine_deviation(d), theorems::sphere_cosine_deviation(d), 1e-7) << d;
  }
  EXPECT_NEAR(gaussian_cosine(128), 0.79944, 5e-6);
  EXPECT_NEAR(gaussian_beta(64), 0.64230, 5e-6);
  EXPECT_NEAR(rope_ceiling_cosine(0), 0.90032, 5e-6);
  EXPECT_NEAR(rope_ceiling_cosine(1), 1, 1e-15);
  EXPECT_NEAR(rope_ceiling_beta(), 0.81057, 5e-6);
  EXPECT_NEAR(generalisation_bound(128, 12800, 0.05), 0.2 + std::sqrt(std::log(40.0) / 25600),
              1e-12);
}

TEST(Anchors, SlowPlanesRest) {
  linear::Matrix moments = linear::Matrix::Identity(6, 6);
  moments(1, 1) = moments(3, 3) = 4;
  RotaryPlanes planes;
  planes.pairs = {{0, 2}, {1, 3}};
  planes.frequencies = {1.0, 0.001};
  // Trace 12. Plane (0, 2) makes 318 turns over 2000 positions, plane (1, 3) a third of one.
  EXPECT_NEAR(resting_share(moments, planes, 2000, 8), 10.0 / 12, 1e-12);
  EXPECT_NEAR(resting_share(moments, planes, 2000, 0.1), 2.0 / 12, 1e-12);
  EXPECT_NEAR(resting_share(moments, planes, 1, 8), 1, 1e-12);
}

// Planes turn by position times frequency, times the factor; columns in no plane stay.
TEST(RotaryTurn, TurnsPlanesAndLeavesOtherColumns) {
  const RotaryPlanes planes{.pairs = {{0, 2}, {3, 1}}, .frequencies = {0.5, 0.25}};
  const RotaryTurn turn(planes, 3, 5);
  std::vector<double> change = {1, 2, 3, 4, 5};
  turn.turn(4, change);
  const double a = 4 * 0.5, b = 4 * 0.25;
  EXPECT_NEAR(change[0], 3 * (1 * std::cos(a) - 3 * std::sin(a)), 1e-13);
  EXPECT_NEAR(change[2], 3 * (1 * std::sin(a) + 3 * std::cos(a)), 1e-13);
  EXPECT_NEAR(change[3], 3 * (4 * std::cos(b) - 2 * std::sin(b)), 1e-13);
  EXPECT_NEAR(change[1], 3 * (4 * std::sin(b) + 2 * std::cos(b)), 1e-13);
  EXPECT_EQ(change[4], 5);
  turn.turn(0, change);
  EXPECT_NEAR(change[0], 9 * (1 * std::cos(a) - 3 * std::sin(a)), 1e-13);
}

}  // namespace
}  // namespace rg::keys
