// ITQ, the polar factor and Givens sweeps against the theorems' fp64 versions and what they
// promise.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/parallel.h"
#include "keys/draws.h"
#include "keys/givens.h"
#include "keys/hadamard.h"
#include "keys/itq.h"
#include "keys/polar.h"
#include "samples.h"
#include "theorems/givens.h"
#include "theorems/one_bit.h"

namespace rg::keys {
namespace {

using theorems::Tensor;

PackedKeys packed_for_search(const Sample& sample) {
  return PackedKeys(sample.values, sample.width, PackedKeys::Use::turn_and_moments);
}

double metric_by_theorem(const Tensor& keys, const linear::Matrix& rotation, Metric metric) {
  const Tensor turned = theorems::turned(keys, Tensor(rotation));
  if (metric == Metric::mean_cosine) return theorems::mean_cosine(turned);
  return metric == Metric::beta_pooled ? theorems::beta_pooled(turned)
                                       : theorems::beta_per_key(turned);
}

constexpr Metric kMetrics[] = {Metric::mean_cosine, Metric::beta_pooled, Metric::beta_per_key};

TEST(PackedKeys, ProductsAreThoseOfTheTheorems) {
  for (const uint32_t d : {5u, 48u, 192u}) {
    const Sample sample = uneven_sample(d, 1500, d);
    const PackedKeys keys = packed_for_search(sample);
    const linear::Matrix gauge = theorems::Draws(d, "turn").rotation(d);
    const Tensor expected = theorems::turned(sample.tensor(), Tensor(gauge));
    std::vector<float> turned(size_t{d} * keys.block_rows());
    linear::Matrix moment = linear::Matrix::Zero(d, d);
    const std::vector<float> matrix = row_major(gauge);
    double worst = 0;
    for (uint32_t block = 0; block < keys.blocks(); ++block) {
      keys.turn(block, matrix, turned);
      keys.add_moment(block, turned, moment);
      for (uint32_t n = 0; n < keys.block_rows(); ++n) {
        for (uint32_t i = 0; i < d; ++i) {
          const auto found = static_cast<double>(turned[size_t{i} * keys.block_rows() + n]);
          const bool inside = n < keys.rows_in(block);
          worst = std::max(worst,
                           std::abs(found - (inside ? expected(keys.first_row(block) + n, i) : 0)));
        }
      }
    }
    EXPECT_LE(worst, 2e-6) << d;
    EXPECT_LE((moment - linear::Matrix(expected.transpose() * sample.tensor())).norm(),
              1e-6 * moment.norm())
        << d;
    const linear::Matrix second = sample.tensor().transpose() * sample.tensor();
    EXPECT_LE((second_moments(keys) - second).norm(), 1e-6 * second.norm());
  }
}

TEST(Polar, IsTheNearestRotation) {
  for (const uint32_t d : {1u, 2u, 7u, 64u}) {
    const linear::Matrix matrix = theorems::Draws(d, "polar").normal(d, d);
    PolarFactor polar(d);
    const linear::Matrix found = polar.of(matrix), exact = nearest_rotation(matrix);
    EXPECT_GT(polar.last_rounds(), 0);
    EXPECT_LE((found - exact).norm(), 2e-4) << d;  // fp32, condition up to some hundred
    EXPECT_NEAR(found.cwiseProduct(matrix).sum(), exact.cwiseProduct(matrix).sum(),
                1e-6 * exact.cwiseProduct(matrix).sum());
    EXPECT_LE((orthonormal(found) * orthonormal(found).transpose() - linear::Matrix::Identity(d, d))
                  .norm(),
              1e-13);
  }
}

TEST(Polar, SingularMatricesGiveARotationToo) {
  theorems::Draws draws(1, "singular");
  linear::Matrix matrix = draws.normal(12, 3) * draws.normal(3, 12);
  matrix.row(4).setZero();
  PolarFactor polar(12);
  const linear::Matrix found = polar.of(matrix), exact = nearest_rotation(matrix);
  EXPECT_EQ(polar.last_rounds(), 0);  // an exact zero: by singular values
  EXPECT_LE((found * found.transpose() - linear::Matrix::Identity(12, 12)).norm(), 1e-4);
  EXPECT_NEAR(found.cwiseProduct(matrix).sum(), exact.cwiseProduct(matrix).sum(), 1e-5);
  EXPECT_EQ(polar.of(linear::Matrix::Zero(12, 12)), linear::Matrix::Identity(12, 12));
}

TEST(Itq, MomentAndMetricAreTheTheorems) {
  const Sample sample = uneven_sample(11, 1300, 24);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys keys(packed);
  const linear::Matrix rotation = random_rotation(24, {.seed = 1}, 0);
  const Tensor tensor = sample.tensor();
  const Tensor turned = theorems::turned(tensor, Tensor(rotation));
  const theorems::Vector weights[] = {theorems::cosine_weights(tensor),
                                      theorems::Vector::Ones(tensor.rows()),
                                      theorems::one_norms(turned)};
  for (const Metric metric : kMetrics) {
    const SignMoment found = keys.sign_moment(rotation, metric);
    const linear::Matrix expected =
        theorems::sign_moment(tensor, Tensor(rotation), weights[static_cast<int>(metric)]);
    EXPECT_LE((found.moment - expected).norm(), 1e-5 * expected.norm()) << name_of(metric);
    EXPECT_NEAR(found.value, metric_by_theorem(tensor, rotation, metric), 1e-6) << name_of(metric);
  }
}

TEST(Itq, EndsWhereTheTheoremsSearchEnds) {
  const Sample sample = uneven_sample(12, 400, 8);
  const PackedKeys packed = packed_for_search(sample);
  const linear::Matrix start = random_rotation(8, {.seed = 2}, 0);
  const Search found =
      ItqKeys(packed).search(start, Metric::mean_cosine, {.most_steps = 200, .tolerance = 1e-9});
  const theorems::Itq exact =
      theorems::itq(sample.tensor(), Tensor(start), 200, theorems::cosine_weights(sample.tensor()));
  EXPECT_TRUE(exact.settled);
  EXPECT_NEAR(found.values.back(), exact.gains.back() / (400 * std::sqrt(8.0)), 1e-6);
  // The first step, with what it keeps of the start.
  const Tensor moment = theorems::sign_moment(sample.tensor(), Tensor(start),
                                              theorems::cosine_weights(sample.tensor()));
  const Tensor first = theorems::nearest_rotation(moment + 2e-4 * moment.norm() * Tensor(start));
  EXPECT_NEAR(found.values[1],
              metric_by_theorem(sample.tensor(), linear::Matrix(first), Metric::mean_cosine), 1e-6);
  EXPECT_NEAR(found.values[1], exact.gains[1] / (400 * std::sqrt(8.0)), 1e-5);
}

TEST(Itq, EveryStepClimbsItsMetricAndTheGaugeReachesTheLast) {
  const Sample sample = uneven_sample(13, 3000, 32);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys keys(packed);
  for (const Metric metric : kMetrics) {
    // Bare steps, without the search's own refusal of a fall.
    PolarFactor polar(32);
    linear::Matrix rotation = linear::Matrix::Identity(32, 32);
    double before = 0;
    for (int step = 0; step < 12; ++step) {
      const SignMoment now = keys.sign_moment(rotation, metric);
      EXPECT_GE(now.value, before * (1 - 1e-6)) << name_of(metric) << " step " << step;
      before = now.value;
      rotation = itq_step(polar, now.moment, rotation);
    }
    const Search found = keys.search(linear::Matrix::Identity(32, 32), metric, {});
    EXPECT_GT(found.values.back(), found.values.front() + 1e-3);
    EXPECT_NEAR(metric_by_theorem(sample.tensor(), found.gauge, metric), found.values.back(), 1e-6);
    const linear::Matrix gram = found.gauge * found.gauge.transpose();
    EXPECT_LE((gram - linear::Matrix::Identity(32, 32)).norm(), 1e-12);
  }
}

TEST(Itq, CoordinatesThatNeverChangeSignLeaveNothingOpen) {
  // With a mean far above the noise two rows of the moment agree exactly; its polar factor is then
  // not unique.
  theorems::Draws draws(21, "mean");
  Tensor keys = draws.normal(2000, 8);
  keys.leftCols(3).array() += 50;
  const Sample sample = sample_of(keys);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys itq(packed);
  const linear::Matrix identity = linear::Matrix::Identity(8, 8);
  const SignMoment first = itq.sign_moment(identity, Metric::beta_pooled);
  EXPECT_LE((first.moment.row(0) - first.moment.row(1)).norm(), 1e-6 * first.moment.norm());
  PolarFactor polar(8);
  const linear::Matrix next = itq_step(polar, first.moment, identity);
  EXPECT_GT(polar.last_rounds(), 0);
  EXPECT_LE((next * next.transpose() - identity).norm(), 1e-4);
  EXPECT_GE(itq.sign_moment(next, Metric::beta_pooled).value, first.value);
}

TEST(Itq, WeightsMatchTheMetric) {
  // Where lengths differ much, each search is the best of the three in its own metric.
  theorems::Draws draws(14, "lengths");
  Tensor keys = draws.normal(600, 8);
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    keys.row(n) *= n % 3 == 0 ? 20 : 0.3;
    if (n % 3 == 0) keys.row(n).head(4) *= 4;
    if (n % 3 != 0) keys.row(n).tail(3) *= 5;
  }
  const Sample sample = sample_of(keys);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys itq(packed);
  const std::vector<Start> starts{{"identity", linear::Matrix::Identity(8, 8)},
                                  {"rotation", random_rotation(8, {.seed = 5}, 0)}};
  std::vector<linear::Matrix> gauges;
  for (const Metric metric : kMetrics) {
    gauges.push_back(search_from(itq, starts, metric, 0, {.most_steps = 200}).best.gauge);
  }
  const auto at = [&](size_t gauge, Metric metric) {
    return metric_by_theorem(sample.tensor(), gauges[gauge], metric);
  };
  EXPECT_GT(at(0, Metric::mean_cosine), at(1, Metric::mean_cosine) + 1e-3);
  EXPECT_GT(at(0, Metric::mean_cosine), at(2, Metric::mean_cosine) + 1e-3);
  EXPECT_GT(at(1, Metric::beta_pooled), at(0, Metric::beta_pooled));
  EXPECT_GT(at(2, Metric::beta_per_key), at(0, Metric::beta_per_key));
}

TEST(Itq, FindsAHiddenLattice) {
  // Signs, turned away by 0.3 radians in every fourth plane: a perfect gauge exists nearby.
  theorems::Draws draws(15, "lattice");
  linear::Matrix turn = linear::Matrix::Identity(16, 16);
  for (Eigen::Index j = 0; j < 16; j += 4) {
    turn(j, j) = turn(j + 1, j + 1) = std::cos(0.3);
    turn(j + 1, j) = std::sin(0.3);
    turn(j, j + 1) = -std::sin(0.3);
  }
  const Sample sample = sample_of(draws.signs(800, 16) * Tensor(turn).transpose());
  const PackedKeys packed = packed_for_search(sample);
  const Search found =
      ItqKeys(packed).search(linear::Matrix::Identity(16, 16), Metric::mean_cosine, {});
  EXPECT_EQ(found.stop, Stop::settled);
  EXPECT_NEAR(found.values.back(), 1, 1e-6);
  EXPECT_LT(found.values.front(), 0.99);
}

TEST(Itq, TheBestStartGoesOn) {
  const Sample sample = uneven_sample(16, 500, 8);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys keys(packed);
  std::vector<Start> starts;
  for (uint32_t number = 0; number < 4; ++number) {
    starts.push_back(
        {"rotation " + std::to_string(number), random_rotation(8, {.seed = 6}, number)});
  }
  const Restarts found = search_from(keys, starts, Metric::mean_cosine, 3, {});
  ASSERT_EQ(found.trial_values.size(), 4u);
  const auto best = std::max_element(found.trial_values.begin(), found.trial_values.end());
  EXPECT_EQ(found.start, starts[static_cast<size_t>(best - found.trial_values.begin())].name);
  EXPECT_EQ(found.best.values[3], *best);
  EXPECT_GT(found.best.values.size(), 4u);
  const Restarts full = search_from(keys, starts, Metric::mean_cosine, 0, {});
  for (const double value : full.trial_values) EXPECT_LE(value, full.best.values.back());
  EXPECT_GE(full.best.values.back(), found.best.values.back() - 1e-6);
}

TEST(Itq, FewKeysAreFittedPerfectly) {
  // GS-5: up to d orthogonal keys can be turned onto the lattice; ITQ from principal axes and
  // Hadamard starts there.
  const Tensor orthogonal = theorems::Draws(17, "few").rotation(16).topRows(5);
  const Sample sample = sample_of(orthogonal);
  const PackedKeys packed = packed_for_search(sample);
  const Search found = ItqKeys(packed).search(random_rotation(16, {.seed = 1}, 0),
                                              Metric::mean_cosine, {.most_steps = 300});
  EXPECT_GT(found.values.back(), 0.93);  // n < d: the polar factor is that of a singular matrix
  EXPECT_LE((found.gauge * found.gauge.transpose() - linear::Matrix::Identity(16, 16)).norm(),
            1e-12);
}

TEST(Givens, ExactMaximumOfAPlane) {
  theorems::Draws draws(18, "plane");
  for (const int n : {1, 2, 3, 17, 300, 5000}) {
    theorems::Vector x = draws.normal_vector(n), y = 0.3 * draws.normal_vector(n);
    if (n == 17) x[3] = y[5] = 0;
    if (n == 300) y = x.cwiseAbs() * 0.2 + y * 0.01;
    std::vector<float> fx(static_cast<size_t>(n)), fy(fx.size());
    for (size_t i = 0; i < fx.size(); ++i) {
      fx[i] = static_cast<float>(x[static_cast<Eigen::Index>(i)]);
      fy[i] = static_cast<float>(y[static_cast<Eigen::Index>(i)]);
      x[static_cast<Eigen::Index>(i)] = static_cast<double>(fx[i]);
      y[static_cast<Eigen::Index>(i)] = static_cast<double>(fy[i]);
    }
    const theorems::PlaneTurn exact =
        theorems::best_plane_turn(x, y, theorems::Vector::Ones(x.size()));
    const PlaneTurn found = best_plane_turn(fx, fy);
    EXPECT_NEAR(found.gain, exact.gain, 1e-9 * exact.gain) << n;
    EXPECT_NEAR(plane_gain(fx, fy, found.angle), exact.gain, 1e-9 * exact.gain) << n;
    EXPECT_NEAR(found.start, plane_gain(fx, fy, 0), 1e-9 * exact.gain) << n;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_LE(plane_gain(fx, fy, i * std::numbers::pi / 2000), found.gain * (1 + 1e-9));
    }
  }
}

TEST(Givens, MaximaBetweenEndsOfBinsAreFound) {
  // Many crossings per bin, so that the maximum often lies inside one whose first piece falls.
  for (uint64_t seed = 0; seed < 200; ++seed) {
    theorems::Draws draws(seed, "bins");
    const int n = 400 + 20 * static_cast<int>(seed);
    std::vector<float> fx, fy;
    theorems::Vector x(n), y(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      fx.push_back(static_cast<float>(draws.normal()));
      fy.push_back(static_cast<float>(draws.normal()));
      x[i] = static_cast<double>(fx.back());
      y[i] = static_cast<double>(fy.back());
    }
    const double exact = theorems::best_plane_turn(x, y, theorems::Vector::Ones(n)).gain;
    EXPECT_NEAR(best_plane_turn(fx, fy).gain, exact, 1e-10 * exact) << seed;
  }
}

TEST(Givens, SweepsClimbAndEndAtNoPlaneToTurn) {
  const Sample sample = uneven_sample(19, 900, 10);
  const PackedKeys packed = packed_for_search(sample);
  const ItqKeys keys(packed);
  const linear::Matrix start = random_rotation(10, {.seed = 3}, 0);
  const Search found = givens_sweeps(keys, start, Metric::mean_cosine, 60, 1e-7);
  EXPECT_EQ(found.stop, Stop::settled);
  EXPECT_NEAR(found.values.front(), metric_by_theorem(sample.tensor(), start, Metric::mean_cosine),
              1e-6);
  for (size_t i = 1; i < found.values.size(); ++i) {
    EXPECT_GE(found.values[i], found.values[i - 1] * (1 - 1e-7));
  }
  EXPECT_NEAR(found.values.back(),
              metric_by_theorem(sample.tensor(), found.gauge, Metric::mean_cosine), 1e-6);
  EXPECT_GT(found.values.back(), found.values.front() + 0.01);
  const theorems::Vector weights = theorems::cosine_weights(sample.tensor());
  const Tensor turned = theorems::turned(sample.tensor(), Tensor(found.gauge));
  for (Eigen::Index i = 0; i < 10; ++i) {
    for (Eigen::Index j = i + 1; j < 10; ++j) {
      const double now = theorems::plane_gain(turned.col(i), turned.col(j), weights, 0);
      EXPECT_LE(theorems::best_plane_turn(turned.col(i), turned.col(j), weights).gain,
                now * (1 + 1e-4));
    }
  }
}

TEST(Givens, PooledBetaToo) {
  const Sample sample = uneven_sample(20, 300, 6);
  const PackedKeys packed = packed_for_search(sample);
  const Search found =
      givens_sweeps(ItqKeys(packed), linear::Matrix::Identity(6, 6), Metric::beta_pooled, 3, 1e-9);
  EXPECT_NEAR(found.values.back(),
              metric_by_theorem(sample.tensor(), found.gauge, Metric::beta_pooled), 1e-6);
  EXPECT_GT(found.values.back(), found.values.front());
}

}  // namespace
}  // namespace rg::keys
