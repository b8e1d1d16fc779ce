// What is reported of many distortions: hand-made ones with known quantiles, and coded heads.
#include "keys/distortion_record.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "keys/quantiser.h"
#include "samples.h"

namespace rg::keys {
namespace {

using theorems::Tensor;

Distortion distortion_of(double error, double forecast) {
  Distortion out{};
  out.error = error;
  out.relative_error = error / 2;
  out.variation = error / 4;
  out.divergence = error / 5;
  out.value_spread = 10;
  out.value_error = 2;
  out.bounds = {error, 2 * error, 4 * error, 10, 12, 0};
  out.forecast = forecast;
  out.score_error = 3;
  out.isotropic_error = 4;
  return out;
}

// Errors 1 .. 20 with forecasts of half of them.
DistortionRecord twenty(size_t first, size_t step) {
  DistortionRecord record(25);
  for (size_t i = 0; i < 20; ++i) {
    const size_t slot = (first + i * step) % 20;
    const auto error = static_cast<double>(slot + 1);
    record.set(slot, distortion_of(error, error / 2));
  }
  return record;
}

TEST(DistortionRecord, QuantilesAndCalibrationOfKnownCases) {
  const DistortionSummary found = twenty(0, 1).summary();
  EXPECT_NEAR(found.median_error, 1.05, 1e-15);
  EXPECT_NEAR(found.p95_error, 1.9, 1e-15);
  EXPECT_EQ(found.largest_error, 2);
  EXPECT_NEAR(found.median_relative_error, 5.25, 1e-15);
  constexpr double kTightness[] = {1, 0.5, 0.25};
  for (size_t b = 0; b < 3; ++b) {
    EXPECT_EQ(found.bounds[b].median_tightness, kTightness[b]);
    EXPECT_EQ(found.bounds[b].p95_tightness, kTightness[b]);
  }
  EXPECT_EQ(found.bounds[3].median_tightness, 1);  // 1.05, but no more than 1 is said
  EXPECT_NEAR(found.bounds[4].median_tightness, 10.5 / 12, 1e-15);
  EXPECT_TRUE(std::isnan(found.bounds[5].median_tightness));  // a bound of 0
  // Over the spread and the values' error, 10 + 2.
  EXPECT_EQ(found.bounds[0].largest_excess, 0);
  EXPECT_NEAR(found.bounds[1].largest_excess, -1 / 12.0, 1e-15);  // of the smallest error
  EXPECT_NEAR(found.bounds[3].largest_excess, 10 / 12.0, 1e-15);
  EXPECT_NEAR(found.bounds[5].largest_excess, 20 / 12.0, 1e-15);
  EXPECT_EQ(found.rank_correlation, 1);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(found.deciles[i].cases, 2u);
    EXPECT_NEAR(found.deciles[i].error, 0.4 * static_cast<double>(i) + 0.3, 1e-15);
    EXPECT_NEAR(found.deciles[i].forecast, found.deciles[i].error / 2, 1e-15);
  }
}

TEST(DistortionRecord, SumsAreOfSharesOfTheSpread) {
  const DistortionSums found = twenty(0, 1).sums(0, 25);
  EXPECT_EQ(found.cases, 20u);  // five slots stay unset
  EXPECT_EQ(found.trivial, 0u);
  EXPECT_NEAR(found.error, 21, 1e-13);
  EXPECT_NEAR(found.forecast, 10.5, 1e-13);
  EXPECT_NEAR(found.product, 28.7 / 2, 1e-13);  // the squares of 0.1 .. 2.0 add up to 28.7
  EXPECT_NEAR(found.forecast_squares, 28.7 / 4, 1e-13);
  EXPECT_NEAR(found.variation, 210 / 4.0, 1e-13);
  EXPECT_NEAR(found.divergence, 210 / 5.0, 1e-13);
  EXPECT_EQ(found.score_squares, 20 * 9);
  EXPECT_EQ(found.isotropic_squares, 20 * 16);
  EXPECT_EQ(found.vacuous[0], 11u);  // error >= 10
  EXPECT_EQ(found.vacuous[1], 16u);  // error >= 5
  EXPECT_EQ(found.vacuous[3], 20u);  // equal to the spread
  EXPECT_EQ(found.vacuous[5], 0u);
}

// Equal in exact arithmetic, or in order; rounding must not make the shorter bound the vacuous one.
TEST(DistortionRecord, ABoundIsVacuousWhereOneBeforeItIs) {
  Distortion rounded = distortion_of(1, 1);
  rounded.bounds = {10, 9, 9, 9, 9, 9};
  DistortionRecord record(2);
  record.set(0, rounded);
  rounded.bounds = {9, 9, 9, 10, 9, 9};
  record.set(1, rounded);
  EXPECT_EQ(record.sums(0, 1).vacuous, (std::array<uint64_t, kBounds>{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(record.sums(1, 2).vacuous, (std::array<uint64_t, kBounds>{0, 0, 0, 1, 0, 0}));
}

TEST(DistortionRecord, DecilesOfFewCasesAreEmptyOnes) {
  DistortionRecord record(2);
  record.set(0, distortion_of(6, 2));
  record.set(1, distortion_of(1, 1));
  const DistortionSummary found = record.summary();
  EXPECT_EQ(found.deciles[4].cases, 1u);  // 2 cases in ten: the fifth and the tenth
  EXPECT_EQ(found.deciles[4].error, 0.1);
  EXPECT_EQ(found.deciles[9].error, 0.6);
  EXPECT_EQ(found.deciles[0].cases, 0u);
  EXPECT_EQ(found.deciles[0].forecast, 0);
}

TEST(DistortionRecord, DoesNotDependOnTheOrderOfSetting) {
  const DistortionRecord first = twenty(0, 1), second = twenty(11, 7);
  EXPECT_EQ(first.summary().median_error, second.summary().median_error);
  EXPECT_EQ(first.sums(0, 25).variation, second.sums(0, 25).variation);
  EXPECT_EQ(first.sums(0, 25).product, second.sums(0, 25).product);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(first.summary().deciles[i].error, second.summary().deciles[i].error);
  }
}

TEST(DistortionRecord, TrivialCasesAreCountedAndLeftOut) {
  DistortionRecord record(3);
  Distortion trivial = distortion_of(5, 100);
  trivial.value_spread = 0;
  record.set(0, trivial);
  record.set(2, distortion_of(1, 1));
  const DistortionSums sums = record.sums(0, 3);
  EXPECT_EQ(sums.cases, 1u);
  EXPECT_EQ(sums.trivial, 1u);
  EXPECT_EQ(sums.forecast, 0.1);
  EXPECT_EQ(record.summary().median_error, 0.1);
  EXPECT_TRUE(std::isnan(record.summary().rank_correlation));
  EXPECT_THROW(record.set(2, trivial), Error);
  EXPECT_THROW(record.set(0, trivial), Error);
}

TEST(DistortionRecord, SumsOfSlotsAddUp) {
  DistortionRecord record = twenty(0, 1);
  Distortion trivial = distortion_of(7, 1);
  trivial.value_spread = 0;
  record.set(20, trivial);
  DistortionSums sums = record.sums(0, 12);
  EXPECT_EQ(sums.cases, 12u);
  EXPECT_EQ(sums.trivial, 0u);
  EXPECT_NEAR(sums.error, 7.8, 1e-13);
  EXPECT_EQ(sums.vacuous[0], 3u);  // errors 10, 11, 12
  EXPECT_EQ(sums.vacuous[3], 12u);
  sums.add(record.sums(12, 25));
  const DistortionSums all = record.sums(0, 25);
  EXPECT_EQ(sums.cases, 20u);
  EXPECT_EQ(sums.trivial, 1u);
  EXPECT_NEAR(sums.error, all.error, 1e-13);
  EXPECT_NEAR(sums.forecast, all.forecast, 1e-13);
  EXPECT_NEAR(sums.product, all.product, 1e-13);
  EXPECT_NEAR(sums.forecast_squares, all.forecast_squares, 1e-13);
  EXPECT_NEAR(sums.variation, all.variation, 1e-13);
  EXPECT_NEAR(sums.divergence, all.divergence, 1e-13);
  EXPECT_EQ(sums.score_squares, all.score_squares);
  EXPECT_EQ(sums.isotropic_squares, all.isotropic_squares);
  EXPECT_EQ(sums.vacuous, all.vacuous);
}

TEST(DistortionRecord, NothingIsUndefinedNotZero) {
  const DistortionSummary found = DistortionRecord(4).summary();
  for (const double value :
       {found.median_error, found.p95_error, found.largest_error, found.median_relative_error,
        found.rank_correlation, found.bounds[0].median_tightness, found.bounds[0].p95_tightness,
        found.bounds[0].largest_excess}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(DistortionRecord(4).sums(0, 4).cases, 0u);
  EXPECT_EQ(DistortionRecord::bytes(10), 10 * DistortionRecord::bytes(1));
}

// Normal keys and values, queries that find some keys: all positions of one sequence.
DistortionRecord record_of_code(uint32_t bits, uint32_t exact_first) {
  theorems::Draws draws(3, "coded head");
  constexpr uint32_t kRows = 120, kWidth = 16;
  const Sample keys = sample_of(draws.normal(kRows, kWidth));
  const Sample values = sample_of(draws.normal(kRows, 8));
  const Sample queries = sample_of(2 * draws.normal(kRows, kWidth));
  const KeyScales scales = fit_scales(keys.set(), {.bits = bits,
                                                   .scale_of = ScaleOf::key,
                                                   .rule = ScaleRule::least_squares,
                                                   .centring = Centring::raw});
  std::vector<float> read = keys.values;
  quantise(scales, read.data(), kRows, kWidth);
  const HeadRows exact{
      .keys = keys.values, .values = values.values, .key_width = kWidth, .value_width = 8};
  HeadRows coded = exact;
  coded.keys = read;
  DistortionRecord record(kRows);
  for (uint32_t t = 0; t < kRows; ++t) {
    const auto query = std::span(queries.values).subspan(size_t{t} * kWidth, kWidth);
    record.set(t, ExactAttention(exact, query, t, {.scale = 0.25}).distortion(coded, exact_first));
  }
  return record;
}

TEST(DistortionRecord, MoreBitsMoveAttentionLess) {
  double error = 1;
  uint64_t vacuous = 120;
  for (uint32_t bits = 1; bits <= 4; ++bits) {
    const DistortionRecord record = record_of_code(bits, 0);
    const DistortionSummary found = record.summary();
    const DistortionSums sums = record.sums(0, 120);
    EXPECT_EQ(sums.cases, 119u);
    EXPECT_EQ(sums.trivial, 1u);  // position 0
    EXPECT_LT(found.median_error, error);
    EXPECT_LE(sums.vacuous[kLinear], vacuous);
    for (const BoundSummary& bound : found.bounds) EXPECT_LE(bound.largest_excess, 1e-12);
    EXPECT_GT(found.bounds[kVariation].median_tightness, found.bounds[kTanh].median_tightness);
    EXPECT_NEAR(std::sqrt(sums.score_squares / sums.isotropic_squares), 1, 0.2);
    error = found.median_error;
    vacuous = sums.vacuous[kLinear];
    if (bits < 3) continue;
    EXPECT_GT(found.rank_correlation, 0.9);
    EXPECT_NEAR(sums.product / sums.forecast_squares, 1, 0.15);
  }
  EXPECT_NE(record_of_code(2, 0).summary().median_error,
            record_of_code(2, 4).summary().median_error);
}

}  // namespace
}  // namespace rg::keys
