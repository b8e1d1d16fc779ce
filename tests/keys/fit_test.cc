// Whole fits of a head: what is asked is reported or refused by name, halves are kept apart, and
// threads change no bit.
#include "keys/fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "keys/anchors.h"
#include "keys/noise.h"
#include "keys/packed_keys.h"
#include "keys/principal.h"
#include "samples.h"

namespace rg::keys {
namespace {

std::vector<GaugeKind> every_kind() {
  std::vector<GaugeKind> out;
  for (int kind = 0; kind <= static_cast<int>(GaugeKind::blocks); ++kind) {
    out.push_back(static_cast<GaugeKind>(kind));
  }
  return out;
}

HeadKeys head_of(const Sample& sample, bool rope) {
  HeadKeys out{.halves = halves_of(sample.view()),
               .planes = {},
               .placement = {.rope = rope, .before_rope = false, .gains_differ = false},
               .place = {.seed = 4, .layer = 1, .head = 2}};
  for (uint32_t j = 0; rope && j < sample.width / 2; ++j) {
    out.planes.pairs.push_back({j, j + sample.width / 2});
    out.planes.frequencies.push_back(std::pow(1e4, -2.0 * j / sample.width));
  }
  return out;
}

FitOptions quick() {
  FitOptions options;
  options.gauges = every_kind();
  options.signed_hadamards = 3;
  options.rotations = 2;
  options.rotation_starts = 1;
  options.block_columns = 8;
  return options;
}

const GaugeReport& named(const HeadReport& report, GaugeKind kind) {
  return *std::find_if(report.gauges.begin(), report.gauges.end(),
                       [&](const GaugeReport& gauge) { return gauge.gauge.kind == kind; });
}

double held_out_cosine(const GaugeReport& report) {
  return aggregates_of(total_of(report.held_out))->mean_cosine;
}

TEST(Fit, ReportsEveryGaugeAskedInOrder) {
  const Sample sample = uneven_sample(1, 1200, 16, 50);
  const HeadReport report = fit_gauges(head_of(sample, true), quick());
  ASSERT_EQ(report.gauges.size(), every_kind().size() + 2 + 1);
  EXPECT_EQ(report.gauges[2].gauge.kind, GaugeKind::signed_hadamard);
  EXPECT_EQ(report.gauges[4].gauge.number, 2u);
  EXPECT_NE(report.gauges[2].gauge.matrix, report.gauges[3].gauge.matrix);  // other signs
  EXPECT_EQ(report.gauges[2].gauge.matrix.cwiseAbs(), report.gauges[3].gauge.matrix.cwiseAbs());
  EXPECT_EQ(report.fit_keys, 600);
  EXPECT_NEAR(report.fit_keys_per_width, 37.5, 1e-12);
  ASSERT_EQ(report.held_out_documents.size(), 12u);
  EXPECT_EQ(report.held_out_documents[0].index, 1u);
  for (const GaugeReport& gauge : report.gauges) {
    const std::string_view name = name_of(gauge.gauge.kind);
    EXPECT_TRUE(gauge.gauge.refused.empty()) << name;
    EXPECT_EQ(gauge.in_sample.keys, 600) << name;
    ASSERT_EQ(gauge.held_out.size(), 12u) << name;
    EXPECT_EQ(total_of(gauge.held_out).keys, 600) << name;
    if (gauge.gauge.kind == GaugeKind::plane_scaling) continue;
    const linear::Matrix gram = gauge.gauge.matrix * gauge.gauge.matrix.transpose();
    EXPECT_LE((gram - linear::Matrix::Identity(16, 16)).norm(), 1e-12) << name;
  }
  const GaugeReport& itq = named(report, GaugeKind::itq_cosine);
  EXPECT_NEAR(itq.path.back(), aggregates_of(itq.in_sample)->mean_cosine, 1e-6);
  EXPECT_EQ(itq.trials.size(), 3u);
  EXPECT_TRUE(itq.curvature.has_value());
  EXPECT_GE(named(report, GaugeKind::givens).path.back(), itq.path.back() - 1e-6);
  EXPECT_EQ(named(report, GaugeKind::givens).gauge.made_of, "from itq_cosine");
}

TEST(Fit, ErrorsOfScoresAreReportedWhereQueriesAreGiven) {
  HeadKeys head = head_of(uneven_sample(11, 400, 8, 20), true);
  FitOptions options = quick();
  options.gauges = {GaugeKind::identity, GaugeKind::plane_scaling, GaugeKind::itq_cosine};
  for (const GaugeReport& gauge : fit_gauges(head, options).gauges) {
    EXPECT_TRUE(gauge.scores.empty());
  }
  head.query_moments = linear::Matrix::Identity(8, 8);
  const HeadReport report = fit_gauges(head, options);
  for (const GaugeReport& gauge : report.gauges) {
    ASSERT_EQ(gauge.scores.size(), 10u);
    EXPECT_EQ(gauge.scores[3].keys, 20);
    if (gauge.gauge.kind == GaugeKind::plane_scaling) continue;
    const CodeSums& sums = gauge.held_out[3];
    EXPECT_NEAR(gauge.scores[3].error, sums.energy - sums.squared_norms, 1e-5 * sums.energy);
  }
}

TEST(Fit, HeldOutKeysHaveNoInfluenceOnTheFit) {
  const Sample sample = uneven_sample(2, 800, 8, 40);
  Sample changed = sample;
  for (size_t n = 0; n < changed.documents.size(); ++n) {
    if (changed.documents[n] % 2 == 0) continue;
    for (uint32_t j = 0; j < 8; ++j) changed.values[n * 8 + j] *= j < 4 ? -3.0f : 0.5f;
  }
  const HeadReport first = fit_gauges(head_of(sample, true), quick());
  const HeadReport second = fit_gauges(head_of(changed, true), quick());
  bool differ = false;
  for (size_t i = 0; i < first.gauges.size(); ++i) {
    EXPECT_EQ(first.gauges[i].gauge.matrix, second.gauges[i].gauge.matrix);
    EXPECT_EQ(first.gauges[i].in_sample.cosines, second.gauges[i].in_sample.cosines);
    differ |= first.gauges[i].held_out[0].cosines != second.gauges[i].held_out[0].cosines;
  }
  EXPECT_TRUE(differ);
}

TEST(Fit, NoiseIsFittedInSampleAndNotHeldOut) {
  // Few Gaussian keys: a learned gauge gains in sample, on them and on the null alike, and nothing
  // held out.
  theorems::Draws draws(3, "noise");
  const Sample sample = sample_of(draws.normal(1600, 32), 20);
  FitOptions options = quick();
  options.gauges = {GaugeKind::identity, GaugeKind::itq_cosine};
  const HeadReport report = fit_gauges(head_of(sample, false), options);
  const GaugeReport& learned = report.gauges[1];
  ASSERT_EQ(report.on_noise.size(), 1u);
  const GaugeReport& null = report.on_noise[0];
  const double in_sample = aggregates_of(learned.in_sample)->mean_cosine;
  const double floor = gaussian_cosine(32),
               error = 5 * gaussian_cosine_deviation(32) / std::sqrt(800.0);
  EXPECT_GT(in_sample, floor + 0.02);
  EXPECT_NEAR(aggregates_of(null.in_sample)->mean_cosine, in_sample, 0.01);
  EXPECT_NEAR(held_out_cosine(learned), floor, error);
  EXPECT_NEAR(held_out_cosine(null), floor, error);
  EXPECT_NE(null.in_sample.cosines, learned.in_sample.cosines);
}

TEST(Fit, StructureSurvivesHeldOutAndBeatsTheNull) {
  theorems::Draws draws(4, "structure");
  const theorems::Tensor keys =
      (draws.signs(2000, 16) + 0.2 * draws.normal(2000, 16)) * draws.rotation(16).transpose();
  FitOptions options = quick();
  options.gauges = {GaugeKind::itq_cosine};
  options.rotation_starts = 6;
  options.trial_steps = 0;
  const HeadReport report = fit_gauges(head_of(sample_of(keys, 40), false), options);
  EXPECT_GT(held_out_cosine(report.gauges[0]), held_out_cosine(report.on_noise[0]) + 0.05);
}

TEST(Noise, HasTheMeanTheCovarianceAndTheShapeAsked) {
  const KeySet like = uneven_sample(5, 20000, 6, 1000).set();
  const PackedKeys packed(like.values, 6, PackedKeys::Use::turn_and_moments);
  const linear::Column mean = mean_of(like);
  const linear::Matrix spread = covariance(second_moments(packed), mean, 20000);
  const KeySet noise = gaussian_keys(mean, spread, like, {.seed = 1}, Draw::noise_fit);
  ASSERT_EQ(noise.values.size(), like.values.size());
  EXPECT_EQ(noise.documents.size(), 20u);
  const PackedKeys noise_packed(noise.values, 6, PackedKeys::Use::turn_and_moments);
  const linear::Matrix found = covariance(second_moments(noise_packed), mean_of(noise), 20000);
  EXPECT_LE((mean_of(noise) - mean).norm(), 0.05);
  EXPECT_LE((found - spread).norm(), 0.05 * spread.norm());
  EXPECT_NE(noise.values,
            gaussian_keys(mean, spread, like, {.seed = 1}, Draw::noise_held_out).values);
}

TEST(Noise, PhaseShiftsKeepLengthsAndObeyTheCeiling) {
  // On the lattice without shifts; with them no gauge exceeds the ceiling, the identity reaches it.
  theorems::Draws draws(6, "phases");
  const HeadKeys head = head_of(sample_of(draws.signs(6000, 8)), true);
  const KeySet shifted = phase_shifted(head.halves.fit, head.planes, head.place);
  EXPECT_NE(shifted.values, head.halves.fit.values);
  for (const auto& [i, j] : head.planes.pairs) {
    EXPECT_NEAR(std::hypot(shifted.row(5)[i], shifted.row(5)[j]), std::sqrt(2.0), 1e-6);
  }
  const auto cosine = [](const KeySet& keys, const linear::Matrix& gauge) {
    const PackedKeys packed(keys.values, keys.width, PackedKeys::Use::turn);
    return aggregates_of(total_of(code_sums(packed, gauge, keys.documents)))->mean_cosine;
  };
  const linear::Matrix identity = linear::Matrix::Identity(8, 8);
  EXPECT_EQ(cosine(head.halves.fit, identity), 1);
  EXPECT_NEAR(cosine(shifted, identity), rope_ceiling_cosine(0), 0.005);
  EXPECT_LT(cosine(shifted, random_rotation(8, head.place, 0)), rope_ceiling_cosine(0));
}

TEST(Fit, ThreadsAndNeighboursChangeNoBit) {
  std::vector<HeadKeys> heads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    heads.push_back(head_of(uneven_sample(seed, 900, 24, 30), true));
  }
  std::vector<std::vector<HeadReport>> runs;
  for (const int threads : {1, 2, 3}) {
    runs.emplace_back(heads.size());
    parallel_for(heads.size(), threads,
                 [&](size_t head, int) { runs.back()[head] = fit_gauges(heads[head], quick()); });
  }
  runs.push_back({fit_gauges(heads[0], quick())});  // outside any parallel region
  for (size_t run = 1; run < runs.size(); ++run) {
    for (size_t head = 0; head < runs[run].size(); ++head) {
      for (size_t i = 0; i < runs[0][head].gauges.size(); ++i) {
        const GaugeReport& one = runs[0][head].gauges[i];
        const GaugeReport& other = runs[run][head].gauges[i];
        EXPECT_EQ(one.gauge.matrix, other.gauge.matrix);
        EXPECT_EQ(one.path, other.path);
        EXPECT_EQ(one.in_sample.cosines, other.in_sample.cosines);
        EXPECT_EQ(one.held_out.back().channels, other.held_out.back().channels);
      }
    }
  }
  EXPECT_NE(runs[0][0].gauges[0].in_sample.cosines, runs[0][1].gauges[0].in_sample.cosines);
}

TEST(Fit, RefusesSingleGaugesByName) {
  const HeadReport odd = fit_gauges(head_of(uneven_sample(6, 300, 6, 30), false), quick());
  EXPECT_EQ(named(odd, GaugeKind::hadamard).gauge.refused,
            "no Hadamard matrix of order 6: orders are 1, 2 and multiples of 4");
  EXPECT_EQ(named(odd, GaugeKind::torus).gauge.refused, "no planes: these keys are without RoPE");
  EXPECT_TRUE(named(odd, GaugeKind::hadamard).held_out.empty());
  EXPECT_TRUE(named(odd, GaugeKind::itq_cosine).gauge.refused.empty());
  EXPECT_EQ(named(odd, GaugeKind::itq_cosine).trials.size(),
            2u);  // no principal axes with Hadamard
}

TEST(Fit, DegenerateHeads) {
  // One document: all to fit on, nothing held out.
  const HeadReport one = fit_gauges(head_of(uneven_sample(7, 40, 8), true), quick());
  EXPECT_EQ(one.fit_keys, 40);
  EXPECT_TRUE(one.held_out_documents.empty());
  EXPECT_TRUE(named(one, GaugeKind::itq_cosine).held_out.empty());
  // Zero keys alone.
  const HeadReport zero =
      fit_gauges(head_of(sample_of(theorems::Tensor::Zero(20, 8), 5), true), quick());
  EXPECT_EQ(zero.fit_zero_keys, 10);
  EXPECT_EQ(named(zero, GaugeKind::principal).gauge.refused, "no key to fit on");
  EXPECT_FALSE(aggregates_of(named(zero, GaugeKind::identity).in_sample).has_value());
  EXPECT_TRUE(zero.on_noise.empty());
  // One key over and over: every learned gauge turns it onto the lattice.
  const theorems::Tensor row = theorems::Draws(8, "constant").normal(1, 8);
  const HeadReport constant =
      fit_gauges(head_of(sample_of(row.replicate(40, 1), 5), true), quick());
  EXPECT_NEAR(held_out_cosine(named(constant, GaugeKind::itq_cosine)), 1, 1e-5);
  EXPECT_NEAR(held_out_cosine(named(constant, GaugeKind::itq_pooled)), 1, 1e-5);
  // Fewer keys than coordinates.
  const HeadReport few = fit_gauges(head_of(uneven_sample(9, 8, 16, 2), true), quick());
  EXPECT_EQ(few.fit_keys, 4);
  for (const GaugeReport& gauge : few.gauges) {
    EXPECT_TRUE(gauge.gauge.refused.empty());
    EXPECT_TRUE(std::isfinite(held_out_cosine(gauge))) << name_of(gauge.gauge.kind);
  }
}

TEST(Costs, FollowWhereTheKeysWereTaken) {
  const Placement after{.rope = true}, plain{};
  const Placement before{.rope = true, .before_rope = true};
  const Placement gains{.rope = true, .before_rope = false, .gains_differ = true};
  EXPECT_EQ(cost_of(GaugeKind::itq_cosine, after), Cost::online_square);
  EXPECT_EQ(cost_of(GaugeKind::itq_cosine, before), Cost::codec);
  EXPECT_EQ(cost_of(GaugeKind::itq_cosine, plain), Cost::free);
  EXPECT_EQ(cost_of(GaugeKind::itq_cosine, {.gains_differ = true}), Cost::online_square);
  EXPECT_EQ(cost_of(GaugeKind::signed_hadamard, after), Cost::online_log);
  EXPECT_EQ(cost_of(GaugeKind::torus, after), Cost::free);
  EXPECT_EQ(cost_of(GaugeKind::torus, before), Cost::free);
  EXPECT_EQ(cost_of(GaugeKind::torus, gains), Cost::online_log);
  EXPECT_EQ(cost_of(GaugeKind::foldable, gains), Cost::online_square);
  EXPECT_EQ(cost_of(GaugeKind::plane_scaling, gains), Cost::free);
  EXPECT_EQ(cost_of(GaugeKind::identity, gains), Cost::free);
  std::vector<std::string_view> names;
  for (const GaugeKind kind : every_kind()) names.push_back(name_of(kind));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_TRUE(is_learned(GaugeKind::torus));
  EXPECT_FALSE(is_learned(GaugeKind::principal));
}

}  // namespace
}  // namespace rg::keys
