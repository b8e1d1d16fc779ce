// Verdicts on adaptations with frozen layers, the sentence of each, and the correlation over
// runs.
#include <gtest/gtest.h>

#include "base/random.h"
#include "verify/artifacts.h"
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
  const std::vector<uint32_t> drawn = drawn_runs(6, 11, 3);
  ASSERT_EQ(drawn.size(), 6u);
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(drawn[i], draw_below(6, 11, Purpose::bootstrap, {i, 3, 2}));
  }
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
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.sentence,
            "All 6 runs drift alike, or all forget alike: their ranks can't be compared.");
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
