// Centring, low-rank corrections and curvature against the theorems' statements.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "keys/anchors.h"
#include "keys/centring.h"
#include "keys/curvature.h"
#include "keys/draws.h"
#include "keys/polar.h"
#include "keys/residual.h"
#include "keys/score_error.h"
#include "linear/decompositions.h"
#include "samples.h"
#include "theorems/centering.h"
#include "theorems/linear.h"
#include "theorems/local_hessian.h"
#include "theorems/one_bit.h"
#include "theorems/residual.h"
#include "theorems/rope.h"
#include "theorems/rotary.h"

namespace rg::keys {
namespace {

using theorems::Tensor;

CodeSums sums_in(const KeySet& set, const linear::Matrix& gauge) {
  return total_of(
      code_sums(PackedKeys(set.values, set.width, PackedKeys::Use::turn), gauge, set.documents));
}

double code_error(const Tensor& keys) { return (keys - theorems::mmse_code(keys)).squaredNorm(); }

TEST(Centring, RemovesWhatItSays) {
  const Sample sample = uneven_sample(1, 50, 6);
  const KeySet set = sample.set();
  const linear::Column mean = mean_of(set);
  EXPECT_LE((mean - theorems::mean_key(sample.tensor())).norm(), 1e-12);
  EXPECT_EQ(centred(set, Centring::raw, mean).values, set.values);
  const KeySet without_mean = centred(set, Centring::dataset_mean, mean);
  const KeySet without_dc = centred(set, Centring::key_dc, {});
  const Tensor expected_mean = theorems::without(sample.tensor(), mean);
  const Tensor expected_dc = theorems::without_coordinate_means(sample.tensor());
  for (uint32_t n = 0; n < 50; ++n) {
    for (uint32_t j = 0; j < 6; ++j) {
      EXPECT_NEAR(without_mean.row(n)[j], expected_mean(n, j), 1e-6);
      EXPECT_NEAR(without_dc.row(n)[j], expected_dc(n, j), 1e-6);
    }
  }
}

TEST(Centring, HelpsExactlyWhereTheErrorFalls) {
  theorems::Draws draws(2, "centring");
  const linear::Matrix identity = linear::Matrix::Identity(8, 8);
  const auto effect_on = [&](const Tensor& rows) {
    const KeySet set = sample_of(rows).set();
    const KeySet other = centred(set, Centring::dataset_mean, mean_of(set));
    return centring_effect(sums_in(set, identity), sums_in(other, identity)).value();
  };
  const Tensor cloud = draws.cloud(500, 8, 6);
  const CentringEffect helped = effect_on(cloud);
  const Tensor rest = theorems::without(cloud, theorems::mean_key(cloud));
  EXPECT_NEAR(helped.raw_error, code_error(cloud) / 500, 1e-5);
  EXPECT_NEAR(helped.centred_error, code_error(rest) / 500, 1e-5);
  EXPECT_NEAR(helped.eta, 500 * theorems::mean_key(cloud).squaredNorm() / cloud.squaredNorm(),
              1e-6);
  EXPECT_TRUE(helped.helps);
  EXPECT_GT(theorems::beta_per_key(rest), helped.needed_beta);
  // DC-3: these points lie on the lattice, centred ones can't.
  Tensor lattice(3, 2);
  lattice << 1, 1, 1, -1, -1, 1;
  Tensor padded = Tensor::Ones(3, 8);
  padded.leftCols(2) = lattice;
  const CentringEffect hurt = effect_on(padded);
  EXPECT_FALSE(hurt.helps);
  EXPECT_NEAR(hurt.raw_error, 0, 1e-9);
  EXPECT_GT(hurt.centred_error, 0.01);
}

TEST(Centring, NothingToSayWithoutEnergy) {
  const KeySet constant = sample_of(Tensor::Ones(5, 4)).set();
  const linear::Matrix identity = linear::Matrix::Identity(4, 4);
  const KeySet rest = centred(constant, Centring::dataset_mean, mean_of(constant));
  EXPECT_FALSE(centring_effect(sums_in(constant, identity), sums_in(rest, identity)).has_value());
}

TEST(Centring, RopeTurnsTheMeanAndTheCorrectionIsTheScoreThatIsLost) {
  const theorems::Rotary rotary{.frequencies = theorems::Vector::LinSpaced(2, 0.7, 0.01),
                                .unrotated = 2};
  RotaryPlanes planes;
  planes.pairs = {{0, 1}, {2, 3}};
  planes.frequencies = {rotary.frequencies[0], rotary.frequencies[1]};
  linear::Column mean(6);
  mean << 1, 2, -1, 0.5, 3, 0;
  EXPECT_NEAR(turning_share(mean, planes), 6.25 / 15.25, 1e-12);
  const Sample queries = uneven_sample(3, 20, 6);
  double squares = 0, spreads = 0;
  for (Eigen::Index q = 0; q < 20; ++q) {
    theorems::Vector scores(100);
    for (Eigen::Index t = 0; t < 100; ++t) {
      const Tensor turn = theorems::rotary_matrix(rotary, static_cast<double>(t));
      scores[t] = queries.tensor().row(q).dot((turn * mean).transpose());
    }
    squares += scores.squaredNorm() / 2000;
    spreads += (scores.array() - scores.mean()).square().sum() / 2000;
  }
  const ScoreCorrection found = score_correction(queries.values, mean, planes, 100);
  EXPECT_NEAR(found.rms, std::sqrt(squares), 1e-9);
  EXPECT_NEAR(found.spread, std::sqrt(spreads), 1e-9);
  linear::Column resting = linear::Column::Zero(6);
  resting[4] = 2;
  EXPECT_EQ(turning_share(resting, planes), 0);
  EXPECT_NEAR(score_correction(queries.values, resting, planes, 100).spread, 0, 1e-6);
}

TEST(Residual, SharesAndErrorsAreTheTheorems) {
  const Sample fit = uneven_sample(4, 300, 12), held_out = uneven_sample(5, 200, 12);
  const linear::Matrix gauge = random_rotation(12, {.seed = 1}, 0);
  const PackedKeys fit_keys(fit.values, 12, PackedKeys::Use::turn_and_moments);
  const PackedKeys other_keys(held_out.values, 12, PackedKeys::Use::turn);
  const uint32_t ranks[] = {1, 4, 12};
  const auto found = residual_shares(fit_keys, other_keys, gauge, ranks).value();
  ASSERT_EQ(found.size(), 3u);
  const Tensor keys = theorems::turned(fit.tensor(), Tensor(gauge));
  const Tensor others = theorems::turned(held_out.tensor(), Tensor(gauge));
  const Tensor rest = keys - theorems::mmse_code(keys);
  const Tensor other_rest = others - theorems::mmse_code(others);
  for (const ResidualShare& share : found) {
    const auto r = static_cast<Eigen::Index>(share.rank);
    EXPECT_NEAR(share.keys_in_sample, theorems::captured_share(keys, r), 1e-6);
    EXPECT_NEAR(share.residual_in_sample, theorems::captured_share(rest, r), 1e-6);
    EXPECT_NEAR(share.keys_held_out, theorems::held_out_share(keys, others, r), 1e-6);
    EXPECT_NEAR(share.residual_held_out, theorems::held_out_share(rest, other_rest, r), 1e-5);
    EXPECT_NEAR(share.bits, theorems::bits_per_coordinate(r, 12), 1e-12);
    EXPECT_NEAR(share.white_edge, share.rank / 12.0 * std::pow(1 + std::sqrt(0.04), 2), 1e-12);
    // The errors, made: RR-2 and RR-3 along the fitting half's directions.
    const Tensor of_rest = theorems::svd_of(rest).right.leftCols(r);
    const Tensor of_keys = theorems::svd_of(keys).right.leftCols(r);
    const double after = (other_rest - other_rest * of_rest * of_rest.transpose()).squaredNorm();
    const Tensor remainder = others - others * of_keys * of_keys.transpose();
    EXPECT_NEAR(share.code_then_rank, after / others.squaredNorm(), 1e-5);
    const double before = share.rank == 12 ? 0 : code_error(remainder) / others.squaredNorm();
    EXPECT_NEAR(share.rank_then_code, before, 1e-5);
  }
  EXPECT_NEAR(found[2].residual_held_out, 1, 1e-12);
  EXPECT_GT(std::abs(found[0].keys_in_sample - found[0].residual_in_sample), 0.05);
}

// Where everything turns, or every direction is kept, shares are sums over sums in another order.
TEST(Residual, SharesStayWithinZeroAndOneWhateverTheRounding) {
  RotaryPlanes planes;
  for (uint32_t plane = 0; plane < 6; ++plane) {
    planes.pairs.push_back({plane, plane + 6});
    planes.frequencies.push_back(1);
  }
  const uint32_t all[] = {12};
  const linear::Matrix identity = linear::Matrix::Identity(12, 12);
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Sample sample = uneven_sample(seed, 30, 12);
    const Tensor tensor = sample.tensor();
    EXPECT_LE(turning_share(tensor.row(0).transpose(), planes), 1);
    const linear::Matrix moments = tensor.transpose() * tensor;
    EXPECT_GE(resting_share(moments, planes, 1e6, 1), 0);
    const PackedKeys keys(sample.values, 12, PackedKeys::Use::turn_and_moments);
    const ResidualShare share = residual_shares(keys, keys, identity, all).value().front();
    for (const double value :
         {share.keys_in_sample, share.keys_held_out, share.residual_in_sample,
          share.residual_held_out, share.code_then_rank, share.rank_then_code}) {
      EXPECT_GE(value, 0);
      EXPECT_LE(value, 1);
    }
  }
}

TEST(Residual, BudgetAndNulls) {
  EXPECT_NEAR(bits_per_coordinate(8, 128), 2.125, 1e-15);
  theorems::Draws draws(6, "lattice");
  const Sample lattice = sample_of(draws.signs(40, 8));
  const PackedKeys keys(lattice.values, 8, PackedKeys::Use::turn_and_moments);
  const uint32_t one[] = {1};
  EXPECT_FALSE(residual_shares(keys, keys, linear::Matrix::Identity(8, 8), one).has_value());
  const PackedKeys none({}, 8, PackedKeys::Use::turn_and_moments);
  EXPECT_FALSE(residual_shares(none, keys, linear::Matrix::Identity(8, 8), one).has_value());
}

TEST(ScoreError, IsTheMeanSquaredErrorOfScores) {
  const Sample sample = uneven_sample(10, 1100, 130, 400);  // documents across blocks
  const KeySet set = sample.set();
  const PackedKeys keys(set.values, 130, PackedKeys::Use::turn);
  theorems::Draws draws(10, "queries");
  Tensor queries = draws.normal(60, 130);
  queries.leftCols(5) *= 4;
  const Tensor moments = queries.transpose() * queries / 60;
  const linear::Matrix gauge = random_rotation(130, {.seed = 3}, 0);
  const std::vector<ScoreSums> found =
      score_sums(keys, gauge, linear::Matrix(moments), set.documents);
  ASSERT_EQ(found.size(), 3u);
  for (size_t at = 0; at < 3; ++at) {
    const auto rows = static_cast<Eigen::Index>(set.documents[at].end - set.documents[at].begin);
    const Tensor part = sample.tensor().middleRows(set.documents[at].begin, rows);
    const Tensor turned = theorems::turned(part, Tensor(gauge));
    const Tensor error = (turned - theorems::mmse_code(turned)) * Tensor(gauge);
    const double expected = (queries * error.transpose()).squaredNorm() / 60;
    EXPECT_EQ(found[at].keys, rows);
    EXPECT_NEAR(found[at].error, expected, 1e-5 * expected);
    EXPECT_NEAR(found[at].scores, (queries * part.transpose()).squaredNorm() / 60,
                1e-5 * found[at].scores);
  }
}

TEST(ScoreError, ScalingOfPlanesIsUndoneBeforeItCounts) {
  const Sample sample = uneven_sample(11, 200, 6), queries = uneven_sample(12, 50, 6);
  theorems::Vector scale(3);
  scale << 0.5, 2, 3;
  linear::Matrix gauge = linear::Matrix::Zero(6, 6);
  for (Eigen::Index j = 0; j < 6; ++j) gauge(j, j) = scale[j / 2];
  const KeySet set = sample.set();
  const PackedKeys keys(set.values, 6, PackedKeys::Use::turn);
  const linear::Matrix moments = queries.tensor().transpose() * queries.tensor() / 50;
  const ScoreSums found = score_sums(keys, gauge, moments, set.documents).front();
  EXPECT_NEAR(found.error / found.keys,
              theorems::scaled_score_error(queries.tensor(), sample.tensor(), scale),
              1e-5 * found.error / found.keys);
  // With moments I and a rotation: the energy that beta per key says is lost.
  const linear::Matrix rotation = random_rotation(6, {.seed = 4}, 0);
  const ScoreSums plain =
      score_sums(keys, rotation, linear::Matrix::Identity(6, 6), set.documents).front();
  const CodeSums sums = sums_in(set, rotation);
  EXPECT_NEAR(plain.error, sums.energy - sums.squared_norms, 1e-5 * sums.energy);
  EXPECT_NEAR(plain.scores, sums.energy, 1e-5 * sums.energy);
}

TEST(Curvature, MatrixAndSecondDerivativesAreTheTheorems) {
  const Sample sample = uneven_sample(7, 400, 6);
  const PackedKeys packed(sample.values, 6, PackedKeys::Use::turn_and_moments);
  const ItqKeys keys(packed);
  const linear::Matrix rotation = random_rotation(6, {.seed = 2}, 0);
  const theorems::Vector weights = theorems::cosine_weights(sample.tensor());
  const linear::Matrix m = critical_matrix(keys, rotation, Metric::mean_cosine);
  const linear::Matrix expected =
      theorems::critical_matrix(sample.tensor(), Tensor(rotation), weights);
  EXPECT_LE((m - expected).norm(), 1e-5 * expected.norm());
  // Against second differences of the mean cosine along a turn of many planes.
  const linear::Matrix normal = theorems::Draws(7, "skew").normal(6, 6);
  const linear::Matrix skew = normal - normal.transpose();
  const auto value = [&](double t) {
    const Tensor turn = theorems::turn_of(Tensor(t * skew));
    return theorems::mean_cosine(
        theorems::turned(sample.tensor(), Tensor(turn * Tensor(rotation))));
  };
  // Below the angle where the first sign changes: the piece is smooth.
  const double step = 1e-6,
               difference = (value(step) + value(-step) - 2 * value(0)) / (step * step);
  EXPECT_NEAR(second_derivative(m, skew), difference, 0.02 * std::abs(difference));
}

TEST(Curvature, ExtremesAtAFixedPointByTurningPlanes) {
  const Sample sample = uneven_sample(8, 500, 6);
  const PackedKeys packed(sample.values, 6, PackedKeys::Use::turn_and_moments);
  const ItqKeys keys(packed);
  const Search found = keys.search(linear::Matrix::Identity(6, 6), Metric::mean_cosine,
                                   {.most_steps = 500, .tolerance = 0});
  const Curvature at_end = curvature_at(keys, found.gauge, Metric::mean_cosine);
  EXPECT_LE(at_end.asymmetry, 1e-3);
  EXPECT_GT(at_end.least_eigenvalue, 0);
  EXPECT_LT(at_end.steepest, at_end.flattest);
  EXPECT_LT(at_end.flattest, 0);
  EXPECT_NEAR(at_end.condition, at_end.steepest / at_end.flattest, 1e-12);
  const linear::Matrix m = critical_matrix(keys, found.gauge, Metric::mean_cosine);
  theorems::Draws draws(8, "directions");
  for (int i = 0; i < 200; ++i) {
    const linear::Matrix normal = draws.normal(6, 6);
    linear::Matrix skew = normal - normal.transpose();
    skew /= theorems::turn_length(Tensor(skew));
    const double along = second_derivative(m, skew);
    EXPECT_LE(along, at_end.flattest + 1e-6);
    EXPECT_GE(along, at_end.steepest - 1e-6);
  }
  // Both are reached, in planes of M's eigenvectors.
  const linear::Matrix axes = linear::symmetric_eigenpairs((m + m.transpose()) / 2).vectors;
  const auto in_plane = [&](Eigen::Index i, Eigen::Index j) {
    return second_derivative(
        m, axes.col(i) * axes.col(j).transpose() - axes.col(j) * axes.col(i).transpose());
  };
  EXPECT_NEAR(in_plane(0, 1), at_end.flattest, 1e-9);
  EXPECT_NEAR(in_plane(5, 4), at_end.steepest, 1e-9);
  const Curvature elsewhere =
      curvature_at(keys, random_rotation(6, {.seed = 9}, 0), Metric::mean_cosine);
  EXPECT_GT(elsewhere.asymmetry, 0.01);
}

TEST(Curvature, NoiseIsFlatAndALatticeIsNot) {
  theorems::Draws draws(9, "flat");
  const Sample noise = sample_of(draws.normal(20000, 8));
  const PackedKeys noise_keys(noise.values, 8, PackedKeys::Use::turn_and_moments);
  const linear::Matrix identity = linear::Matrix::Identity(8, 8);
  EXPECT_NEAR(curvature_at(ItqKeys(noise_keys), identity, Metric::beta_pooled).kink_ratio, 1, 0.05);
  const Sample lattice = sample_of(draws.signs(2000, 8) + 0.1 * draws.normal(2000, 8));
  const PackedKeys lattice_keys(lattice.values, 8, PackedKeys::Use::turn_and_moments);
  EXPECT_LT(curvature_at(ItqKeys(lattice_keys), identity, Metric::mean_cosine).kink_ratio, 0.01);
}

TEST(Curvature, DecayTellsGeometricFromPower) {
  std::vector<double> geometric, power;
  for (int t = 1; t <= 30; ++t) {
    geometric.push_back(1 - 0.3 * std::pow(0.7, t));
    power.push_back(1 - 0.3 / t);
  }
  geometric.push_back(1);
  power.push_back(1);
  const Decay first = decay_of(geometric).value(), second = decay_of(power).value();
  EXPECT_LT(first.geometric, first.power);
  EXPECT_NEAR(first.rate, std::log(0.7), 1e-6);
  EXPECT_LT(second.power, second.geometric);
  EXPECT_EQ(second.points, 30u);
  EXPECT_FALSE(decay_of(std::vector<double>{0.5, 0.6, 0.7, 0.7, 0.7}).has_value());
}

}  // namespace
}  // namespace rg::keys
