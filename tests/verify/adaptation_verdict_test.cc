// Verdicts on adaptations with frozen layers, the sentence of each, and the correlation over
// runs.
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "verify/artifacts.h"
#include "verify/order_statistics.h"
#include "verify/rank_correlation.h"

namespace rg::verify::testing {
namespace {

using Levels = std::vector<double>;

// Adds to every window's drift, and loss, of one run, forgetting following its losses.
void move_run(Json& artifact, const std::string& run, double drift, double loss) {
  for (Json& value : artifact["per_window"]["eval"]["D"][run]) {
    value = std::max(0.0, value.get<double>() + drift);
  }
  Json& base = artifact["per_window"]["base"];
  for (size_t w = 0; w < base["loss"][run].size(); ++w) {
    const double moved = base["loss"][run][w].get<double>() + loss;
    base["loss"][run][w] = moved;
    base["L_forget"][run][w] = moved - base["loss"]["base"][w].get<double>();
  }
}

// The runs beyond the first `kept` are left out everywhere.
void keep_runs(Json& artifact, size_t kept) {
  Json& runs = artifact["runs"];
  while (runs.size() > kept) {
    const std::string name = runs.back()["ckpt"];
    runs.erase(runs.size() - 1);
    artifact["family"]["ckpts"].erase(runs.size() + 1);
    artifact["checkpoints"].erase(runs.size());
    for (Json* const arrays :
         {&artifact["per_window"]["eval"]["D"], &artifact["per_window"]["base"]["L_forget"],
          &artifact["per_window"]["base"]["loss"], &artifact["layer_hashes"],
          &artifact["summary"]["per_run"]}) {
      arrays->erase(name);
    }
  }
  complete(artifact);
}

TEST(RankCorrelation, CountsRanksAndSharesTies) {
  EXPECT_EQ(rank_correlation(Levels{3, 1, 2}, Levels{0.3, -1, 0}), 1.0);
  EXPECT_EQ(rank_correlation(Levels{3, 1, 2}, Levels{-0.3, 1, 0}), -1.0);
  EXPECT_DOUBLE_EQ(*rank_correlation(Levels{1, 7, 7, 9}, Levels{0, 1, 2, 2}), 3.75 / 4.5);
  EXPECT_FALSE(rank_correlation(Levels{1, 1}, Levels{1, 2}));
  EXPECT_FALSE(rank_correlation(Levels{1, 2}, Levels{2, 2}));
}

TEST(RankCorrelation, PCountsPermutations) {
  const Levels five = {1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(*permutation_p(five, five), 1.0 / 120);
  EXPECT_DOUBLE_EQ(*permutation_p(five, Levels{2, 1, 3, 4, 5}), 5.0 / 120);
  EXPECT_DOUBLE_EQ(*permutation_p(Levels{1, 2, 3}, Levels{0, 0, 1}), 2.0 / 6);
  const Levels ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_FALSE(permutation_p(ten, ten));
  EXPECT_FALSE(permutation_p(Levels{1, 1}, Levels{1, 2}));
}

TEST(RankCorrelation, RunsAreDrawnFromATableOfTheirOwn) {
  const std::vector<uint32_t> drawn = drawn_runs(6, 11, 3, kTunedRuns);
  ASSERT_EQ(drawn.size(), 6u);
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(drawn[i], draw_below(6, 11, Purpose::bootstrap, {i, 3, 2}));
  }
  EXPECT_NE(drawn_runs(6, 11, 3, kComparedRuns), drawn);
}

TEST(KlBoundedAdaptation, PassesWhereAllFourConditionsHold) {
  const Judgement judgement = judge(make_kl_bounded_adaptation({}));
  EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
  EXPECT_EQ(judgement.model, "line");
  EXPECT_EQ(judgement.domain, "eval+base");
  EXPECT_EQ(judgement.n_windows, 1000u);
  ASSERT_EQ(judgement.criteria.size(), 5u);
  EXPECT_EQ(judgement.criteria[0].name, "drift");
  EXPECT_FALSE(judgement.convergence);
  EXPECT_EQ(judgement.stability->probability, 1.0);
  EXPECT_EQ(judgement.sentence,
            "With layers 0, 1 frozen, 6 runs drift from the base by 0.0743 nats on average (0.1 "
            "registered) and forget 0.0349 nats (0.05 registered), less by 0.145 and 0.0552 nats "
            "than with fewer layers frozen; runs that drift more forget more (rank correlation "
            "0.943, at least 0.5).");
}

TEST(KlBoundedAdaptation, FailsByDriftOrForgettingBeyondWhatWasRegistered) {
  Json artifact = make_kl_bounded_adaptation({});
  artifact["thresholds"] = {{"D_max", 0.07}, {"L_max", 0.03}};
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(judgement.effect->name, "forgetting");
  EXPECT_EQ(at(artifact, "summary.conditions.drift"), false);
  EXPECT_EQ(at(artifact, "summary.conditions.advantage"), true);
  EXPECT_EQ(judgement.sentence,
            "Not shown over 6 runs with layers 0, 1 frozen: drift within 0.07 nats (it is 0.0743); "
            "forgetting within 0.03 nats (it is 0.0349).");
}

TEST(KlBoundedAdaptation, FailsWhereForgettingDoesNotFollowDrift) {
  Json artifact = make_kl_bounded_adaptation({});
  move_run(artifact, "frozen-1", 0, 0.028);
  move_run(artifact, "frozen-6", 0, -0.03);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(judgement.effect->name, "correlation of drift and forgetting");
  EXPECT_GT(judgement.stability->probability, 0.5);
  EXPECT_LT(judgement.stability->probability, 1.0);
  EXPECT_EQ(judgement.sentence,
            "Not shown over 6 runs with layers 0, 1 frozen: that runs which drift more forget more "
            "(rank correlation -0.2, possibly as low as -1).");
}

TEST(KlBoundedAdaptation, FailsWhereFreezingFewerDoesAsWell) {
  Json artifact = make_kl_bounded_adaptation({});
  for (const char* run : {"fewer-1", "fewer-2"}) move_run(artifact, run, 0, -0.06);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(judgement.effect->name, "forgetting below comparison");
  EXPECT_EQ(judgement.sentence,
            "Not shown over 6 runs with layers 0, 1 frozen: less drift and less forgetting than "
            "with fewer layers frozen (lower by 0.145 and -0.00479 nats).");
}

TEST(KlBoundedAdaptation, RunsThatDriftAlikeAreDegenerate) {
  Json artifact = make_kl_bounded_adaptation({});
  Json& drift = artifact["per_window"]["eval"]["D"];
  for (const Json& run : artifact["runs"]) {
    drift[run["ckpt"].get<std::string>()] = drift["frozen-1"];
  }
  complete(artifact);
  EXPECT_TRUE(at(artifact, "summary.correlation.rho").is_null());
  EXPECT_EQ(at(artifact, "summary.correlation.dropped"), 200);
  EXPECT_TRUE(at(artifact, "summary.replication.z").is_null());
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.sentence,
            "All 6 runs drift alike, or all forget alike: their ranks can't be compared.");
}

// By the formulas of the documentation, from the means that the artifact states.
TEST(KlBoundedAdaptation, RepetitionIsJudgedByTheSpreadOfRuns) {
  Json artifact = make_kl_bounded_adaptation({});
  artifact["thresholds"] = {{"D_max", 0.079}, {"L_max", 0.05}};
  complete(artifact);
  double squares = 0;
  const double mean = at(artifact, "summary.D_hat_mean");
  for (const Json& run : artifact["runs"]) {
    squares += std::pow(run["D_hat"].get<double>() - mean, 2);
  }
  const double z = (0.079 - mean) / std::sqrt(squares / 5 / 6);
  EXPECT_GT(z, 0.2);
  EXPECT_LT(z, 1.5);
  EXPECT_NEAR(at(artifact, "summary.replication.z").get<double>(), z, 1e-12);
  EXPECT_NEAR(at(artifact, "summary.replication.replication").get<double>(),
              std::erfc((1.96 - z) / std::sqrt(2.0)) / 2, 1e-12);
  EXPECT_EQ(at(artifact, "summary.replication.n_for_90"), std::ceil(6 * std::pow(3.242 / z, 2)));
  EXPECT_EQ(at(artifact, "summary.replication.unit"), "run");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.effect->name, "drift");
  EXPECT_NEAR(*judgement.effect->z, z, 1e-12);
}

TEST(KlBoundedAdaptation, TheComparisonsSpreadCountsFromTwoRunsOn) {
  Json artifact = make_kl_bounded_adaptation({});
  const auto distance = [&] {  // of the comparison in drift
    complete(artifact);
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.criteria[3].name, "drift below comparison");
    return *judgement.criteria[3].z;
  };
  const auto variance = [&](const Json& runs) {
    double sum = 0, squares = 0;
    for (const Json& run : runs) sum += run["D_hat"].get<double>();
    const auto count = static_cast<double>(runs.size());
    for (const Json& run : runs) squares += std::pow(run["D_hat"].get<double>() - sum / count, 2);
    return squares / (count - 1) / count;
  };
  const double both = distance();
  const double own = variance(artifact["runs"]);
  const Json delta = at(artifact, "summary.freeze_advantage.D_delta");
  EXPECT_NEAR(both, delta.get<double>() / std::sqrt(own + variance(artifact["baseline"]["runs"])),
              1e-9);
  // The second is left out everywhere.
  artifact["baseline"]["runs"].erase(1);
  artifact["family"]["ckpts"].erase(8);
  artifact["checkpoints"].erase(7);
  for (const char* arrays : {"per_window.eval.D", "per_window.base.L_forget",
                             "per_window.base.loss", "layer_hashes", "summary.per_run"}) {
    at(artifact, arrays).erase("fewer-2");
  }
  const double one = distance();
  EXPECT_NEAR(one, at(artifact, "summary.freeze_advantage.D_delta").get<double>() / std::sqrt(own),
              1e-9);
  // A single run is drawn every time: only the tuned ones move the interval.
  const Json& bootstrap = at(artifact, "summary.bootstrap");
  const double alone = at(artifact, "baseline.D_hat");
  std::vector<double> deltas;
  for (uint32_t b = 0; b < bootstrap["B"].get<uint32_t>(); ++b) {
    double sum = 0;
    for (const uint32_t run : drawn_runs(6, bootstrap["seed"].get<uint64_t>(), b, kTunedRuns)) {
      sum += artifact["runs"][run]["D_hat"].get<double>();
    }
    deltas.push_back(alone - sum / 6);
  }
  const Interval expected = *percentile_interval(deltas);
  const Json& stated = at(artifact, "summary.freeze_advantage.D_delta_ci95");
  EXPECT_NEAR(stated[0].get<double>(), expected.lo, 1e-12);
  EXPECT_NEAR(stated[1].get<double>(), expected.hi, 1e-12);
}

// Forgetting in the order of drift: every replicate's ranks agree, so their spread is unknown.
TEST(KlBoundedAdaptation, RanksThatAlwaysAgreeLeaveRepetitionUndefined) {
  Json artifact = make_kl_bounded_adaptation({});
  move_run(artifact, "frozen-6", 0, 0.02);
  complete(artifact);
  EXPECT_EQ(at(artifact, "summary.correlation.rho"), 1.0);
  EXPECT_TRUE(at(artifact, "summary.replication.z").is_null());
  EXPECT_TRUE(at(artifact, "summary.replication.replication").is_null());
  EXPECT_TRUE(at(artifact, "summary.replication.n_for_90").is_null());
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass);
}

TEST(KlBoundedAdaptation, NeedsFiveRuns) {
  Json artifact = make_kl_bounded_adaptation({});
  keep_runs(artifact, 5);
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass) << judge(artifact).sentence;
  keep_runs(artifact, 4);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::insufficient);
  EXPECT_EQ(judgement.reasons[0].path, "runs");
  EXPECT_EQ(judgement.sentence, "Only 4 tuned runs were measured; a verdict needs 5.");
}

TEST(KlBoundedAdaptation, NeedsAThousandWindowsOfEachRole) {
  const Judgement judgement = judge(make_kl_bounded_adaptation({.windows = 199}));
  EXPECT_EQ(judgement.verdict, Verdict::insufficient);
  EXPECT_EQ(judgement.reasons[0].path, "data.eval.n_windows");
  EXPECT_EQ(judgement.sentence, "Only 995 windows of eval were measured; a verdict needs 1000.");
}

TEST(KlBoundedAdaptation, MoreRunsThanTheLimitsAllowAreRefused) {
  Json artifact = make_kl_bounded_adaptation({});
  artifact["summary"]["bootstrap"]["B"] = 1'000'001;
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::over_budget);
}

}  // namespace
}  // namespace rg::verify::testing
