// Distortions against the theorems' fp64 versions, the chain of bounds on many and extreme cases,
// and for every bound a case that attains it.
#include "keys/attention_distortion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "keys/quantiser.h"
#include "samples.h"
#include "theorems/attention.h"
#include "theorems/attention_distortion.h"
#include "theorems/one_bit.h"

namespace rg::keys {
namespace {

using theorems::Tensor;
using theorems::Vector;

// Keys, values, and both as read, in fp32.
struct TestHead {
  Sample keys, values, read_keys, read_values;

  HeadRows exact() const { return rows(keys, values); }
  HeadRows read() const { return rows(read_keys, read_values); }
  HeadRows read_with_exact_values() const { return rows(read_keys, values); }

  static HeadRows rows(const Sample& keys, const Sample& values) {
    return {.keys = keys.values,
            .values = values.values,
            .key_width = keys.width,
            .value_width = values.width};
  }
};
TestHead head_of(const Tensor& keys, const Tensor& values, const Tensor& read_keys,
                 const Tensor& read_values) {
  return {.keys = sample_of(keys),
          .values = sample_of(values),
          .read_keys = sample_of(read_keys),
          .read_values = sample_of(read_values)};
}
TestHead head_of(const Tensor& keys, const Tensor& values, const Tensor& read_keys) {
  return head_of(keys, values, read_keys, values);
}

std::vector<float> query_of(const Tensor& row) { return sample_of(row).values; }

// The query reads every row.
Distortion last_distortion(const TestHead& head, const std::vector<float>& query,
                           const AttentionRule& rule, uint32_t exact_first = 0) {
  const auto last = static_cast<uint32_t>(head.keys.documents.size() - 1);
  return ExactAttention(head.exact(), query, last, rule).distortion(head.read(), exact_first);
}

void expect_chain(const Distortion& found) {
  const auto& b = found.bounds;
  const auto at_most = [](double value, double bound, const char* what) {
    EXPECT_LE(value, bound + 1e-9 * std::max(1.0, std::abs(bound))) << what;
  };
  at_most(found.error, b[kVariation], "M <= B1");
  at_most(b[kVariation], b[kTanh], "B1 <= B2");
  at_most(b[kTanh], b[kLinear], "B2 <= B3");
  at_most(b[kLinear], b[kEuclidean], "B3 <= B4");
  at_most(b[kLinear], b[kEntrywise], "B3 <= B5");
  at_most(found.error, b[kMultiplicative], "M <= B6");
  for (const double bound : b) EXPECT_TRUE(std::isfinite(bound));
  EXPECT_GE(found.divergence, 0);
  EXPECT_LE(found.variation, std::sqrt(found.divergence / 2) + 1e-7);  // Pinsker
}

TEST(AttentionDistortion, IsTheTheorems) {
  theorems::Draws draws(1, "distortion");
  constexpr Eigen::Index n = 40, d = 8;
  const Tensor keys = draws.normal(n, d), values = draws.cloud(n, 5, 3);
  const TestHead head =
      head_of(keys, values, keys + 0.3 * draws.normal(n, d), values + 0.1 * draws.normal(n, 5));
  const std::vector<float> query = query_of(2 * draws.normal(1, d));
  const double scale = 0.4;
  const Vector q = Eigen::Map<const Eigen::VectorXf>(query.data(), d).cast<double>();
  const Distortion found = last_distortion(head, query, {.scale = scale});
  const Tensor k = head.keys.tensor(), v = head.values.tensor(), w = head.read_values.tensor();
  const Tensor dk = head.read_keys.tensor() - k;
  const Vector delta = scale * dk * q, p = theorems::softmax(scale * k * q);
  const Vector other = theorems::softmax(scale * k * q + delta);
  const Vector o = v.transpose() * p, read = w.transpose() * other;
  double spread = 0, deviation = 0, forecast = 0;
  for (Eigen::Index c = 0; c < 5; ++c) {
    spread = std::max(spread, theorems::spread(v.col(c)));
    deviation = std::max(deviation, theorems::mean_deviation(p, v.col(c)));
    forecast = std::max(
        forecast, std::abs(theorems::covariance(p, delta, v.col(c)) + p.dot(w.col(c) - v.col(c))));
  }
  const double e = (w - v).cwiseAbs().maxCoeff(), osc = theorems::spread(delta);
  const double tv = theorems::total_variation(p, other);
  EXPECT_NEAR(found.error, (read - o).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_NEAR(found.relative_error.value(), (read - o).norm() / o.norm(), 1e-12);
  EXPECT_NEAR(found.variation, tv, 1e-13);
  EXPECT_NEAR(found.divergence, p.dot((p.array() / other.array()).log().matrix()), 1e-12);
  EXPECT_NEAR(found.score_spread, osc, 1e-12);
  EXPECT_NEAR(found.value_spread, spread, 1e-12);
  EXPECT_NEAR(found.value_error, e, 1e-12);
  EXPECT_NEAR(found.forecast, forecast, 1e-12);
  EXPECT_NEAR(found.score_error, delta.norm() / std::sqrt(40), 1e-12);
  EXPECT_NEAR(found.isotropic_error, scale * q.norm() * dk.norm() / std::sqrt(40 * 8.0), 1e-12);
  EXPECT_NEAR(found.bounds[kVariation], tv * spread + e, 1e-12);
  EXPECT_NEAR(found.bounds[kTanh], std::tanh(osc / 4) * spread + e, 1e-12);
  EXPECT_NEAR(found.bounds[kLinear], osc / 4 * spread + e, 1e-12);
  EXPECT_NEAR(found.bounds[kEuclidean],
              scale * q.norm() * dk.rowwise().norm().maxCoeff() / 2 * spread + e, 1e-12);
  EXPECT_NEAR(found.bounds[kEntrywise],
              scale * q.lpNorm<1>() * dk.cwiseAbs().maxCoeff() / 2 * spread + e, 1e-12);
  EXPECT_NEAR(found.bounds[kMultiplicative], std::expm1(osc) * deviation + e, 1e-11);
}

// Values that differ in their last bits only: what matters are the differences.
TEST(AttentionDistortion, ALargeCommonPartOfValuesCostsNoDigits) {
  theorems::Draws draws(11, "common part");
  constexpr Eigen::Index n = 30, d = 6;
  const Tensor keys = draws.normal(n, d), read = keys + 0.2 * draws.normal(n, d);
  const Tensor values = (16 * draws.normal(n, 3)).array().round().matrix() / 8;  // eighths
  const std::vector<float> query = query_of(2 * draws.normal(1, d));
  const auto found = [&](double common) {
    const Tensor moved = (values.array() + common).matrix();
    return last_distortion(head_of(keys, moved, read), query, {.scale = 0.4});
  };
  const Distortion small = found(0), large = found(1 << 20);  // exact in fp32, both
  EXPECT_EQ(large.value_spread, small.value_spread);
  EXPECT_GT(small.error, 0.01);
  EXPECT_NEAR(large.error, small.error, 1e-13);
  EXPECT_NEAR(large.forecast, small.forecast, 1e-13);
}

TEST(AttentionDistortion, TheChainHoldsOnRandomAndExtremeCases) {
  theorems::Draws draws(2, "chain");
  size_t cases = 0;
  for (const Eigen::Index n : {1, 2, 7, 40}) {
    for (const double size : {0.0, 0.05, 1.0, 30.0, 2000.0}) {
      for (const double error : {0.0, 1e-4, 0.3, 5.0}) {
        for (int kind = 0; kind < 6; ++kind) {
          const Eigen::Index d = kind % 2 == 0 ? 1 : 6;
          Tensor keys = draws.normal(n, d), values = draws.normal(n, 3);
          if (kind == 1) keys.rowwise() = keys.row(0).eval();      // equal keys
          if (kind == 2) values.setZero();                         // zero values
          if (kind == 3) values.rowwise() = values.row(0).eval();  // equal values
          if (kind == 4) values *= 1e3;
          if (kind == 5) values = (values.array() > 1).cast<double>();
          const Tensor query = size * draws.normal(1, d);
          if (kind == 4) keys.row(0) = 4 * query;  // a key that takes nearly all of it
          const Tensor moved = keys + error * draws.normal(n, d);
          const Tensor read = kind == 0 ? values : Tensor(values + error * draws.normal(n, 3));
          const TestHead head = head_of(keys, values, moved, read);
          const auto position = static_cast<uint32_t>(n - 1);
          for (const AttentionRule& rule :
               {AttentionRule{.scale = 1}, AttentionRule{.scale = -0.3, .window = 3},
                AttentionRule{.scale = 1, .window = {}, .sink = 1.5}}) {
            const std::vector<float> q = query_of(query);
            const ExactAttention exact(head.exact(), q, position, rule);
            for (const uint32_t exact_first : {0u, 2u}) {
              const Distortion found = exact.distortion(head.read(), exact_first);
              expect_chain(found);
              if (n == 1 && !rule.sink) {
                EXPECT_TRUE(found.trivial());
              }
              ++cases;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(cases, 4u * 5 * 4 * 6 * 3 * 2);
}

// Two keys whose scores trade places: the weights of softmax move by tanh(shift / 2) = tanh(osc/4).
Distortion mirrored(double shift, double value_error) {
  const double half = shift / 2;
  const Tensor bits{{0}, {1}};
  const TestHead head = head_of(Tensor{{-half}, {half}}, bits, Tensor{{half}, {-half}},
                                Tensor(bits.array() - value_error));
  return last_distortion(head, {-1}, {.scale = 1});
}

TEST(AttentionDistortion, VariationAndTanhAreAttained) {
  for (const double shift : {0.125, 1.0, 6.0, 40.0}) {
    for (const double value_error : {0.0, 0.5}) {
      const Distortion found = mirrored(shift, -value_error);
      EXPECT_NEAR(found.error, std::tanh(shift / 2) + value_error, 1e-13);
      EXPECT_NEAR(found.bounds[kVariation], found.error, 1e-13);
      EXPECT_NEAR(found.bounds[kTanh], found.error, 1e-13);
    }
  }
}

TEST(AttentionDistortion, LinearBoundsAreAttainedBySmallErrors) {
  const double small = 1.0 / 1024;
  const Distortion found = mirrored(small, 0);
  EXPECT_NEAR(found.bounds[kLinear] / found.error, 1, 1e-6);
  EXPECT_GT(found.bounds[kLinear], found.error);
  // Key errors along the query: Cauchy-Schwarz is met.
  const Tensor query{{3, 4}}, keys = Tensor::Zero(2, 2), bits{{0}, {1}};
  Tensor along(2, 2);
  along << 3, 4, -3, -4;
  const TestHead euclidean = head_of(keys, bits, small * along);
  const Distortion first = last_distortion(euclidean, query_of(query), {.scale = 0.5});
  EXPECT_NEAR(first.bounds[kEuclidean], 5 * 5 * small / 4, 1e-15);
  EXPECT_NEAR(first.bounds[kEuclidean], first.bounds[kLinear], 1e-15);
  EXPECT_NEAR(first.bounds[kEuclidean] / first.error, 1, 1e-4);
  EXPECT_GT(first.bounds[kEntrywise], 1.1 * first.bounds[kEuclidean]);
  // Key errors along the query's signs: Hoelder is met.
  along << 1, -1, -1, 1;
  const TestHead entrywise = head_of(keys, bits, small * along);
  const Distortion second = last_distortion(entrywise, query_of(Tensor{{1, -2}}), {.scale = 0.5});
  EXPECT_NEAR(second.bounds[kEntrywise], 3 * small / 4, 1e-15);
  EXPECT_NEAR(second.bounds[kEntrywise], second.bounds[kLinear], 1e-15);
  EXPECT_NEAR(second.bounds[kEntrywise] / second.error, 1, 1e-4);
  EXPECT_GT(second.bounds[kEuclidean], 1.05 * second.bounds[kEntrywise]);
}

TEST(AttentionDistortion, TheMultiplicativeBoundIsAttainedAndCanBeTheOnlyOne) {
  const Tensor bits{{0}, {1}};
  const TestHead head = head_of(Tensor{{20}, {0}}, bits, Tensor{{20}, {2}});
  const Distortion found = last_distortion(head, {1}, {.scale = 1});
  EXPECT_NEAR(found.bounds[kMultiplicative] / found.error, 1, 1e-6);
  EXPECT_LT(found.bounds[kMultiplicative], 1e-6 * found.bounds[kTanh]);
  EXPECT_FALSE(found.vacuous(kMultiplicative));
  EXPECT_FALSE(found.vacuous(kLinear));  // osc / 4 = 1/2
}

TEST(AttentionDistortion, AValuesErrorIsAttainedByOneKey) {
  const TestHead head = head_of(Tensor{{1}}, Tensor{{2, 5}}, Tensor{{9}}, Tensor{{2.25, 4.5}});
  const Distortion found = last_distortion(head, {1}, {.scale = 1});
  EXPECT_TRUE(found.trivial());
  EXPECT_EQ(found.error, 0.5);
  EXPECT_EQ(found.value_error, 0.5);
  EXPECT_EQ(found.forecast, 0.5);
  for (const double bound : found.bounds) EXPECT_EQ(bound, 0.5);
}

TEST(AttentionDistortion, VacuousFromWhereTheBoundReachesTheSpread) {
  EXPECT_FALSE(mirrored(1.99, 0).vacuous(kLinear));
  EXPECT_TRUE(mirrored(2.01, 0).vacuous(kLinear));
  EXPECT_FALSE(mirrored(30, 0).vacuous(kTanh));
  EXPECT_TRUE(mirrored(1.99, 0.1).vacuous(kLinear));  // the value error counts
}

TEST(AttentionDistortion, B6IsTakenAtAWeightedMedian) {
  // Weights 0.4 and 0.6 of the values 0 and 1: the median is 1.
  const Tensor bits{{0}, {1}};
  const TestHead head = head_of(Tensor{{0}, {std::log(1.5)}}, bits, Tensor{{1}, {std::log(1.5)}});
  const Distortion found = last_distortion(head, {1}, {.scale = 1});
  EXPECT_NEAR(found.bounds[kMultiplicative], 0.4 * std::expm1(1), 1e-7);
}

TEST(AttentionDistortion, BoundsKeepTheirDigitsWhereErrorsAreTiny) {
  const Tensor bits{{0}, {1}}, zero = Tensor::Zero(2, 1);
  for (double shift = std::ldexp(1, -30); shift <= 4; shift *= 1.7) {
    const auto osc = static_cast<double>(static_cast<float>(shift));
    const TestHead head = head_of(zero, bits, Tensor{{0}, {osc}});
    const Distortion found = last_distortion(head, {1}, {.scale = 1});
    EXPECT_NEAR(found.bounds[kTanh] / std::tanh(osc / 4), 1, 1e-12) << osc;
    EXPECT_NEAR(found.bounds[kMultiplicative] / std::expm1(osc), 0.5, 1e-11) << osc;
  }
}

TEST(AttentionDistortion, BeyondTheRangeOfExpB6SaysWhatAlwaysHolds) {
  const Tensor bits{{0}, {1}};
  for (const double osc : {599.0, 601.0, 1600.0}) {
    const TestHead head = head_of(Tensor{{0}, {-800}}, bits, Tensor{{0}, {osc - 800}});
    const Distortion found = last_distortion(head, {1}, {.scale = 1});
    expect_chain(found);
    if (osc > 600) {
      EXPECT_EQ(found.bounds[kMultiplicative], 1);
    }
    if (osc == 1600) {
      EXPECT_EQ(found.error, 1);
    }
  }
  const TestHead head = head_of(Tensor{{0}, {-300}}, bits, Tensor{{0}, {299}});
  const Distortion found = last_distortion(head, {1}, {.scale = 1});
  EXPECT_NEAR(found.bounds[kMultiplicative] / std::exp(299), 1, 1e-10);
}

TEST(AttentionDistortion, OneShiftOfAllScoresMattersOnlyBesideASink) {
  theorems::Draws draws(3, "shift");
  const Tensor keys = draws.normal(12, 4), values = draws.normal(12, 3);
  const Tensor shift = Tensor{{1, -1, 0.5, 2}};
  Tensor moved = keys;
  moved.rowwise() += shift.row(0);
  const TestHead head = head_of(keys, values, moved);
  const std::vector<float> query{1, 2, -1, 0.5};
  const Distortion plain = last_distortion(head, query, {.scale = 0.5});
  EXPECT_NEAR(plain.error, 0, 1e-6);
  EXPECT_NEAR(plain.score_spread, 0, 1e-6);
  const AttentionRule rule{.scale = 0.5, .window = {}, .sink = 2.0};
  const Distortion beside = last_distortion(head, query, rule);
  EXPECT_NEAR(beside.score_spread, 0.25, 1e-6);
  EXPECT_GT(beside.error, 0.01);
  expect_chain(beside);
  // A sink is one more key of value 0 that nothing moves.
  Tensor more_keys(13, 4), more_moved(13, 4), more_values = Tensor::Zero(13, 3);
  more_keys << keys, Tensor::Zero(1, 4);
  more_moved << moved, Tensor::Zero(1, 4);
  more_values.topRows(12) = values;
  const TestHead longer = head_of(more_keys, more_values, more_moved);
  const AttentionRule zero{.scale = 0.5, .window = {}, .sink = 0.0};
  const Distortion with_key = last_distortion(longer, query, {.scale = 0.5});
  const Distortion with_sink = last_distortion(head, query, zero);
  EXPECT_NEAR(with_key.error, with_sink.error, 1e-12);
  EXPECT_NEAR(with_key.divergence, with_sink.divergence, 1e-12);
  EXPECT_NEAR(with_key.forecast, with_sink.forecast, 1e-12);
  for (size_t b = 0; b < kBounds; ++b) {
    EXPECT_NEAR(with_key.bounds[b], with_sink.bounds[b], 1e-12) << b;
  }
}

TEST(AttentionDistortion, ReadsNoRowThatTheQueryDoesNotSee) {
  theorems::Draws draws(4, "window");
  const Tensor keys = draws.normal(20, 4), values = draws.normal(20, 3);
  Tensor moved = keys + 0.5 * draws.normal(20, 4);
  const std::vector<float> query = query_of(draws.normal(1, 4));
  const TestHead part =
      head_of(keys.middleRows(8, 5), values.middleRows(8, 5), moved.middleRows(8, 5));
  const Distortion expected = last_distortion(part, query, {.scale = 0.5});
  EXPECT_GT(expected.error, 0.01);
  Tensor wild = keys;
  wild.topRows(8).setConstant(1e6);
  wild.bottomRows(7).setConstant(-1e6);
  moved.topRows(8).setConstant(1e5);
  const TestHead whole = head_of(wild, values, moved);
  const ExactAttention exact(whole.exact(), query, 12, {.scale = 0.5, .window = 5});
  const Distortion found = exact.distortion(whole.read(), 0);
  EXPECT_EQ(found.error, expected.error);
  EXPECT_EQ(found.bounds, expected.bounds);
  EXPECT_EQ(found.forecast, expected.forecast);
  EXPECT_THROW(ExactAttention(whole.exact(), query, 20, {.scale = 1}), Error);
  EXPECT_THROW(ExactAttention(whole.exact(), query, 3, {.scale = 1, .window = 0}), Error);
}

TEST(AttentionDistortion, FirstKeysThatAreStoredExactlyDoNotErr) {
  theorems::Draws draws(5, "exact");
  const Tensor keys = draws.normal(20, 4), values = draws.normal(20, 3);
  const Tensor moved = keys + draws.normal(20, 4), read = values + 0.2 * draws.normal(20, 3);
  Tensor half_keys = moved, half_values = read;
  half_keys.topRows(4) = keys.topRows(4);
  half_values.topRows(4) = values.topRows(4);
  const std::vector<float> query = query_of(draws.normal(1, 4));
  const AttentionRule rule{.scale = 0.5};
  const Distortion kept = last_distortion(head_of(keys, values, moved, read), query, rule, 4);
  const Distortion made =
      last_distortion(head_of(keys, values, half_keys, half_values), query, rule);
  EXPECT_EQ(kept.error, made.error);
  EXPECT_EQ(kept.bounds, made.bounds);
  EXPECT_NE(kept.score_error, made.score_error);  // over coded keys: 16 and 20
  // Positions are those of the sequence, not of the window.
  const TestHead coded = head_of(keys, values, moved, read);
  const AttentionRule windowed{.scale = 0.5, .window = 10};
  EXPECT_EQ(last_distortion(coded, query, windowed, 4).error,
            last_distortion(coded, query, windowed, 0).error);
  EXPECT_NE(last_distortion(coded, query, windowed, 14).error,
            last_distortion(coded, query, windowed, 0).error);
  const Distortion all = last_distortion(coded, query, rule, 20);
  EXPECT_EQ(all.error, 0);
  EXPECT_EQ(all.score_error, 0);
  for (const double bound : all.bounds) EXPECT_EQ(bound, 0);
}

TEST(AttentionDistortion, TheForecastIsRightToFirstOrder) {
  theorems::Draws draws(6, "forecast");
  const Tensor keys = draws.normal(30, 6), values = draws.normal(30, 4);
  const Tensor key_error = draws.normal(30, 6), value_error = draws.normal(30, 4);
  const std::vector<float> query = query_of(2 * draws.normal(1, 6));
  double last = 1;
  for (const double size : {0.1, 0.01, 0.001}) {
    const Distortion found =
        last_distortion(head_of(keys, values, keys + size * key_error, values + size * value_error),
                        query, {.scale = 0.5});
    const double off = std::abs(found.error / found.forecast - 1);
    EXPECT_LT(off, 3 * size);
    EXPECT_LT(off, 0.3 * last);
    last = off;
  }
}

TEST(AttentionDistortion, OneBitKeysAreBoundedInTermsOfBeta) {
  theorems::Draws draws(7, "beta");
  const Tensor keys = draws.normal(60, 16), values = draws.normal(60, 3);
  const Sample sample = sample_of(keys);
  const KeyScales scales = fit_scales(sample.set(), {.bits = 1,
                                                     .scale_of = ScaleOf::key,
                                                     .rule = ScaleRule::least_squares,
                                                     .centring = Centring::raw});
  TestHead head = head_of(keys, values, keys);
  quantise(scales, head.read_keys.values.data(), 60, 16);
  const std::vector<float> query = query_of(draws.normal(1, 16));
  const double length = Eigen::Map<const Eigen::VectorXf>(query.data(), 16).cast<double>().norm();
  const Distortion found = last_distortion(head, query, {.scale = 0.25});
  double largest = 0;
  for (Eigen::Index n = 0; n < 60; ++n) {
    const Vector key = sample.tensor().row(n).transpose();
    largest = std::max(largest, key.norm() * std::sqrt(1 - theorems::beta(key)));
  }
  EXPECT_NEAR(found.bounds[kEuclidean], length * largest / 8 * found.value_spread, 1e-6);
  EXPECT_NEAR(found.score_error / found.isotropic_error, 1, 0.4);
}

TEST(AttentionDistortion, WithoutAnOutputThereIsNoRelativeError) {
  const Tensor zero = Tensor::Zero(3, 2);
  const TestHead head = head_of(Tensor{{1}, {2}, {3}}, zero, Tensor{{2}, {0}, {1}});
  const Distortion found = last_distortion(head, {1}, {.scale = 1});
  EXPECT_FALSE(found.relative_error.has_value());
  EXPECT_EQ(found.error, 0);
  EXPECT_TRUE(found.trivial());
}

}  // namespace
}  // namespace rg::keys
