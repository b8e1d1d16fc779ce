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

TEST(DistortionRecord, QuantilesSharesAndCalibrationOfKnownCases) {
  const DistortionSummary found = twenty(0, 1).summary();
  EXPECT_EQ(found.cases, 20u);  // five slots stay unset
  EXPECT_EQ(found.trivial, 0u);
  EXPECT_NEAR(found.median_error, 1.05, 1e-15);
  EXPECT_NEAR(found.p95_error, 1.9, 1e-15);
  EXPECT_NEAR(found.median_relative_error, 5.25, 1e-15);
  EXPECT_NEAR(found.mean_variation, 10.5 / 4, 1e-14);
  EXPECT_NEAR(found.mean_divergence, 10.5 / 5, 1e-14);
  constexpr double kTightness[] = {1, 0.5, 0.25};
  for (size_t b = 0; b < 3; ++b) {
    EXPECT_EQ(found.bounds[b].median_tightness, kTightness[b]);
    EXPECT_EQ(found.bounds[b].p95_tightness, kTightness[b]);
  }
  EXPECT_NEAR(found.bounds[3].median_tightness, 1.05, 1e-15);
  EXPECT_NEAR(found.bounds[3].p95_tightness, 1.9, 1e-15);
  EXPECT_EQ(found.bounds[0].vacuous, 11.0 / 20);  // error >= 10
  EXPECT_EQ(found.bounds[1].vacuous, 16.0 / 20);  // error >= 5
  EXPECT_EQ(found.bounds[3].vacuous, 1);          // equal to the spread
  EXPECT_EQ(found.bounds[5].vacuous, 0);
  EXPECT_TRUE(std::isnan(found.bounds[5].median_tightness));  // a bound of 0
  EXPECT_EQ(found.bounds[0].largest_excess, 0);
  EXPECT_NEAR(found.bounds[1].largest_excess, -0.1, 1e-15);  // of the smallest error, 1 of 10
  EXPECT_EQ(found.bounds[5].largest_excess, 2);
  EXPECT_EQ(found.rank_correlation, 1);
  EXPECT_NEAR(found.slope, 2, 1e-14);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(found.deciles[i].cases, 2u);
    EXPECT_EQ(found.deciles[i].mean_error, 2.0 * static_cast<double>(i) + 1.5);
    EXPECT_EQ(found.deciles[i].ratio, 2);
  }
  EXPECT_EQ(found.score_error, 3);
  EXPECT_EQ(found.isotropic_error, 4);
}

TEST(DistortionRecord, TheSlopeIsOfErrorOnForecastAndWeighsLargeOnesMore) {
  DistortionRecord record(2);
  record.set(0, distortion_of(1, 1));
  record.set(1, distortion_of(6, 2));
  const DistortionSummary found = record.summary();
  EXPECT_NEAR(found.slope, 13.0 / 5, 1e-15);  // not 7/3, nor 13/37
  EXPECT_EQ(found.deciles[4].cases, 1u);      // 2 cases in ten: the fifth and the tenth
  EXPECT_EQ(found.deciles[9].ratio, 3);
  EXPECT_EQ(found.deciles[0].cases, 0u);
  EXPECT_TRUE(std::isnan(found.deciles[0].ratio));
}

TEST(DistortionRecord, DoesNotDependOnTheOrderOfSetting) {
  const DistortionSummary first = twenty(0, 1).summary(), second = twenty(11, 7).summary();
  EXPECT_EQ(first.median_error, second.median_error);
  EXPECT_EQ(first.mean_variation, second.mean_variation);
  EXPECT_EQ(first.slope, second.slope);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(first.deciles[i].mean_error, second.deciles[i].mean_error);
  }
}

TEST(DistortionRecord, TrivialCasesAreCountedAndLeftOut) {
  DistortionRecord record(3);
  Distortion trivial = distortion_of(5, 100);
  trivial.value_spread = 0;
  record.set(0, trivial);
  record.set(2, distortion_of(1, 1));
  const DistortionSummary found = record.summary();
  EXPECT_EQ(found.cases, 2u);
  EXPECT_EQ(found.trivial, 1u);
  EXPECT_EQ(found.median_error, 0.1);
  EXPECT_EQ(found.slope, 1);
  EXPECT_TRUE(std::isnan(found.rank_correlation));
  EXPECT_THROW(record.set(2, trivial), Error);
}

TEST(DistortionRecord, SumsOfSlotsAddUp) {
  DistortionRecord record = twenty(0, 1);
  Distortion trivial = distortion_of(7, 1);
  trivial.value_spread = 0;
  record.set(20, trivial);
  DistortionSums sums = record.sums(0, 12);
  EXPECT_EQ(sums.cases, 12);
  EXPECT_EQ(sums.trivial, 0);
  EXPECT_NEAR(sums.error, 7.8, 1e-13);
  EXPECT_NEAR(sums.variation, 78 / 4.0, 1e-13);
  EXPECT_NEAR(sums.divergence, 78 / 5.0, 1e-13);
  EXPECT_EQ(sums.vacuous[0], 3);  // errors 10, 11, 12
  EXPECT_EQ(sums.vacuous[3], 12);
  sums.add(record.sums(12, 25));
  const DistortionSums all = record.sums(0, 25);
  EXPECT_EQ(sums.cases, 20);
  EXPECT_EQ(sums.trivial, 1);
  EXPECT_NEAR(sums.error, all.error, 1e-13);
  EXPECT_NEAR(sums.variation, all.variation, 1e-13);
  EXPECT_NEAR(sums.divergence, all.divergence, 1e-13);
  EXPECT_EQ(sums.vacuous, all.vacuous);
}

TEST(DistortionRecord, NothingIsUndefinedNotZero) {
  const DistortionSummary found = DistortionRecord(4).summary();
  EXPECT_EQ(found.cases, 0u);
  for (const double value :
       {found.median_error, found.p95_error, found.median_relative_error, found.mean_variation,
        found.mean_divergence, found.slope, found.rank_correlation, found.score_error,
        found.isotropic_error, found.bounds[0].vacuous, found.bounds[0].median_tightness,
        found.bounds[0].largest_excess}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(DistortionRecord::bytes(10), 10 * DistortionRecord::bytes(1));
}

// Normal keys and values, queries that find some keys: all positions of one sequence.
DistortionSummary summary_of_code(uint32_t bits, uint32_t exact_first) {
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
  return record.summary();
}

TEST(DistortionRecord, MoreBitsMoveAttentionLess) {
  double error = 1, vacuous = 1;
  for (uint32_t bits = 1; bits <= 4; ++bits) {
    const DistortionSummary found = summary_of_code(bits, 0);
    EXPECT_EQ(found.cases, 120u);
    EXPECT_EQ(found.trivial, 1u);  // position 0
    EXPECT_LT(found.median_error, error);
    EXPECT_LE(found.bounds[kLinear].vacuous, vacuous);
    for (const BoundSummary& bound : found.bounds) EXPECT_LE(bound.largest_excess, 1e-12);
    EXPECT_GT(found.bounds[kVariation].median_tightness, found.bounds[kTanh].median_tightness);
    EXPECT_NEAR(found.score_error / found.isotropic_error, 1, 0.2);
    error = found.median_error;
    vacuous = found.bounds[kLinear].vacuous;
    if (bits < 3) continue;
    EXPECT_GT(found.rank_correlation, 0.9);
    EXPECT_NEAR(found.slope, 1, 0.15);
  }
  EXPECT_NE(summary_of_code(2, 0).median_error, summary_of_code(2, 4).median_error);
}

}  // namespace
}  // namespace rg::keys
