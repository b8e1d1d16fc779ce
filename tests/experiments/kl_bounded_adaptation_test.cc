// An intervention with frozen layers: runs, correlation over runs, the four conditions, verdicts.
#include "experiments/family/kl_bounded_adaptation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "experiments/fake_engine.h"
#include "experiments/family_fixture.h"
#include "stats/spearman.h"

namespace rg::experiments::testing {
namespace {

constexpr size_t kTuned = 6, kCompared = 2, kEvalWindows = 40, kBaseWindows = 30;

// Every run's next token has a logit lower than the base's by its own amount: larger drift and
// larger loss.
using Steps = std::vector<float>;  // tuned runs, then the comparison's
const Steps kOrdinary = {0.30f, 0.34f, 0.26f, 0.42f, 0.38f, 0.46f, 0.9f, 1.0f};

LogitsOf lowered_by(const Steps& steps, uint64_t seed) {
  return [=](size_t c, size_t w) {
    const float base = 1 + static_cast<float>(normal(seed, static_cast<uint32_t>(w), 0, 99));
    return ThreeLogits{c == 0 ? base : base - steps[c - 1], 0, 0.5f};
  };
}

class Adaptation {
 public:
  Adaptation(const LogitsOf& eval, const LogitsOf& base)
      : eval_("eval", kEvalWindows, 1 + kTuned + kCompared, eval),
        base_("base", kBaseWindows, 1 + kTuned + kCompared, base) {}
  explicit Adaptation(const Steps& steps)
      : Adaptation(lowered_by(steps, 1), lowered_by(steps, 2)) {}

  AdaptationFacts facts() const {
    AdaptationFacts facts{.base = "start",
                          .base_hashes = {{0, "a0"}, {1, "a1"}, {2, "a2"}},
                          .base_on_base = base_.outputs().of_checkpoint[0],
                          .frozen = {0, 1},
                          .comparison_frozen = {1},
                          .d_max = 0.1,
                          .l_max = 0.3,
                          .registration_sha256 = "of the file",
                          .registered_utc = "2026-01-01T00:00:00+00:00",
                          .runs = {},
                          .comparison = {},
                          .eval_window_document = eval_.outputs().window_document,
                          .base_window_document = base_.outputs().window_document,
                          .seed = 3,
                          .replicates = 200};
    for (size_t c = 1; c <= kTuned + kCompared; ++c) {
      const bool tuned = c <= kTuned;
      (tuned ? facts.runs : facts.comparison)
          .push_back({.ckpt = "run-" + std::to_string(c),
                      .eval = eval_.outputs().of_checkpoint[c],
                      .base = base_.outputs().of_checkpoint[c],
                      .layer_hashes = {{0, tuned ? "a0" : "b0"}, {1, "a1"}, {2, "b2"}}});
    }
    return facts;
  }

 private:
  FamilyDomain eval_, base_;
};

Json adaptation_fields(const AdaptationFacts& facts) {
  return reduce_kl_bounded_adaptation(facts).fields;
}

std::vector<double> values_of(const Json& array) { return array.get<std::vector<double>>(); }

double plain_mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST(KlBoundedAdaptation, StatesWhatWasRegisteredAndMeasured) {
  const Adaptation adaptation(kOrdinary);
  const AdaptationFacts facts = adaptation.facts();
  const Json fields = adaptation_fields(facts);
  EXPECT_EQ(fields["layers"], Json::array());
  EXPECT_EQ(fields["verification"]["n_windows_required"], 1000);
  EXPECT_EQ(fields["base"], "start");
  EXPECT_EQ(fields["frozen_set"], (std::vector<int>{0, 1}));
  EXPECT_EQ(fields["thresholds"], Json::parse(R"({"D_max": 0.1, "L_max": 0.3})"));
  EXPECT_EQ(fields["registration"]["sha256"], "of the file");
  EXPECT_EQ(fields["registration"]["registered_utc"], "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(fields["baseline"]["frozen_set"], (std::vector<int>{1}));
  ASSERT_EQ(fields["runs"].size(), kTuned);
  ASSERT_EQ(fields["baseline"]["runs"].size(), kCompared);
  EXPECT_EQ(fields["runs"][2]["ckpt"], "run-3");
  EXPECT_EQ(fields["baseline"]["runs"][1]["ckpt"], "run-8");
  EXPECT_EQ(fields["layer_hashes"]["start"], Json::parse(R"({"0": "a0", "1": "a1", "2": "a2"})"));
  EXPECT_EQ(fields["layer_hashes"]["run-8"]["0"], "b0");
  // Ranks that always agree have no spread, and nothing else is undefined.
  EXPECT_EQ(fields["null_reasons"].size(), 1);
  EXPECT_TRUE(fields["null_reasons"].contains("summary.replication"));

  const Json& drift = fields["per_window"]["eval"]["D"];
  const Json& base = fields["per_window"]["base"];
  EXPECT_EQ(drift.size(), 1 + kTuned + kCompared);
  EXPECT_EQ(values_of(drift["start"]), std::vector<double>(kEvalWindows, 0.0));
  EXPECT_EQ(values_of(base["L_forget"]["start"]), std::vector<double>(kBaseWindows, 0.0));
  const AdaptationRun& third = facts.runs[2];
  for (size_t w = 0; w < kEvalWindows; ++w) EXPECT_EQ(drift["run-3"][w], third.eval->kl()[w]);
  for (size_t w = 0; w < kBaseWindows; ++w) {
    EXPECT_EQ(base["loss"]["run-3"][w], third.base->loss()[w]);
    EXPECT_EQ(base["loss"]["start"][w], facts.base_on_base->loss()[w]);
    EXPECT_EQ(base["L_forget"]["run-3"][w], third.base->loss()[w] - facts.base_on_base->loss()[w]);
  }
}

TEST(KlBoundedAdaptation, SummaryFollowsFromTheArrays) {
  const Adaptation adaptation(kOrdinary);
  const AdaptationFacts facts = adaptation.facts();
  const Json fields = adaptation_fields(facts);
  const Json& summary = fields["summary"];
  const stats::CountTable eval(kEvalWindows, 200, 3, 0), base(kBaseWindows, 200, 3, 0);
  std::vector<double> drift, forgetting;
  for (size_t c = 1; c <= kTuned + kCompared; ++c) {
    const std::string ckpt = "run-" + std::to_string(c);
    const auto d = stats::mean_replicates(eval, values_of(fields["per_window"]["eval"]["D"][ckpt]));
    const auto l =
        stats::mean_replicates(base, values_of(fields["per_window"]["base"]["L_forget"][ckpt]));
    const Json& run = summary["per_run"][ckpt];
    EXPECT_EQ(run["D"]["mean"], d.estimate);
    EXPECT_EQ(run["D"]["ci95"], Json(*stats::percentile_interval(d.values)));
    EXPECT_EQ(run["L"]["mean"], l.estimate);
    EXPECT_EQ(run["L"]["ci95"], Json(*stats::percentile_interval(l.values)));
    EXPECT_EQ(run["within"], d.estimate <= 0.1 && l.estimate <= 0.3) << ckpt;
    const Json& row =
        c <= kTuned ? fields["runs"][c - 1] : fields["baseline"]["runs"][c - 1 - kTuned];
    EXPECT_EQ(row["D_hat"], d.estimate);
    EXPECT_EQ(row["L_forget_hat"], l.estimate);
    drift.push_back(d.estimate);
    forgetting.push_back(l.estimate);
  }
  const std::vector<double> tuned_d(drift.begin(), drift.begin() + kTuned);
  const std::vector<double> tuned_l(forgetting.begin(), forgetting.begin() + kTuned);
  const double other_d = (drift[6] + drift[7]) / 2, other_l = (forgetting[6] + forgetting[7]) / 2;
  EXPECT_EQ(summary["D_hat_mean"], plain_mean(tuned_d));
  EXPECT_EQ(summary["L_forget_hat_mean"], plain_mean(tuned_l));
  EXPECT_EQ(fields["baseline"]["D_hat"], other_d);
  EXPECT_EQ(fields["baseline"]["L_forget_hat"], other_l);
  EXPECT_EQ(summary["freeze_advantage"]["D_delta"], other_d - plain_mean(tuned_d));
  EXPECT_EQ(summary["freeze_advantage"]["L_delta"], other_l - plain_mean(tuned_l));

  // The table of runs is neither that of windows nor that of documents.
  const stats::CountTable runs(kTuned, 200, 3, 2);
  const auto rho = stats::spearman_replicates(runs, tuned_d, tuned_l);
  const Json& correlation = summary["correlation"];
  EXPECT_EQ(correlation["rho"], rho.estimate);
  EXPECT_EQ(correlation["ci95"], Json(*stats::percentile_interval(rho.values)));
  EXPECT_EQ(correlation["K"], kTuned);
  EXPECT_EQ(correlation["dropped"], std::count_if(rho.values.begin(), rho.values.end(),
                                                  [](double v) { return std::isnan(v); }));
  EXPECT_EQ(correlation["p_exact"], *stats::spearman_exact_p(tuned_d, tuned_l));
}

double variance_of_runs(const std::vector<double>& runs) {
  const double center = plain_mean(runs);
  double squares = 0;
  for (const double value : runs) squares += (value - center) * (value - center);
  return squares / static_cast<double>(runs.size() - 1);
}

// D_hat or L_forget_hat of a recipe's rows.
std::vector<double> estimates(const Json& rows, const char* name) {
  std::vector<double> values;
  for (const Json& row : rows) values.push_back(row[name].get<double>());
  return values;
}

TEST(KlBoundedAdaptation, IntervalsDrawTheRunsOfBothRecipes) {
  const Adaptation adaptation(kOrdinary);
  const Json fields = adaptation_fields(adaptation.facts());
  const Json& summary = fields["summary"];
  const stats::CountTable own(kTuned, 200, 3, 2), other(kCompared, 200, 3, 3);
  for (const auto& [estimate, mean, delta] :
       {std::tuple{"D_hat", "D_hat_mean_ci95", "D_delta_ci95"},
        std::tuple{"L_forget_hat", "L_forget_hat_mean_ci95", "L_delta_ci95"}}) {
    const auto tuned = stats::mean_replicates(own, estimates(fields["runs"], estimate)).values;
    const auto compared =
        stats::mean_replicates(other, estimates(fields["baseline"]["runs"], estimate)).values;
    EXPECT_EQ(summary[mean], Json(*stats::percentile_interval(tuned))) << estimate;
    std::vector<double> deltas;
    for (size_t b = 0; b < 200; ++b) deltas.push_back(compared[b] - tuned[b]);
    EXPECT_EQ(summary["freeze_advantage"][delta], Json(*stats::percentile_interval(deltas)));
  }
}

TEST(KlBoundedAdaptation, TheNearestConditionSaysHowLikelyARepetitionIs) {
  // Forgetting follows drift but for one exchange: ranks that always agree have no spread.
  const auto exchanged = [](Steps steps) {
    std::swap(steps[0], steps[1]);
    return steps;
  };
  const Adaptation adaptation(lowered_by(kOrdinary, 1), lowered_by(exchanged(kOrdinary), 2));
  AdaptationFacts facts = adaptation.facts();
  Json fields = adaptation_fields(facts);
  const std::vector<double> drift = estimates(fields["runs"], "D_hat");
  // The bound on drift is nearest, then the comparison is.
  const double error = std::sqrt(variance_of_runs(drift) / kTuned);
  facts.l_max = 100;
  facts.d_max = plain_mean(drift) + error;
  const Json near_bound = adaptation_fields(facts)["summary"]["replication"];
  EXPECT_NEAR(near_bound["z"].get<double>(), 1, 1e-9);
  EXPECT_NEAR(near_bound["replication"].get<double>(), std::erfc(0.96 / std::sqrt(2.0)) / 2, 1e-9);
  EXPECT_EQ(near_bound["n_for_90"], 64);  // 6 * 3.242^2 = 63.06
  EXPECT_EQ(near_bound["unit"], "run");

  facts.d_max = plain_mean(drift) - error;
  const Json beyond = adaptation_fields(facts);
  EXPECT_NEAR(beyond["summary"]["replication"]["z"].get<double>(), -1, 1e-9);
  EXPECT_EQ(beyond["summary"]["replication"]["n_for_90"], nullptr);
  EXPECT_EQ(beyond["null_reasons"].size(), 1);

  Steps close = kOrdinary;
  close[6] = 0.36f;
  close[7] = 0.42f;
  const Adaptation closer(lowered_by(close, 1), lowered_by(exchanged(close), 2));
  facts = closer.facts();
  facts.d_max = facts.l_max = 100;
  fields = adaptation_fields(facts);
  const auto distance = [&](const char* name, const char* delta) {
    const std::vector<double> ours = estimates(fields["runs"], name);
    const std::vector<double> theirs = estimates(fields["baseline"]["runs"], name);
    return fields["summary"]["freeze_advantage"][delta].get<double>() /
           std::sqrt(variance_of_runs(ours) / kTuned + variance_of_runs(theirs) / kCompared);
  };
  const double nearest =
      std::min(distance("D_hat", "D_delta"), distance("L_forget_hat", "L_delta"));
  EXPECT_NEAR(fields["summary"]["replication"]["z"].get<double>(), nearest, 1e-9);
  EXPECT_GT(nearest, 0);

  facts.comparison.pop_back();  // one alone counts as exact
  fields = adaptation_fields(facts);
  const double single =
      std::min(fields["summary"]["freeze_advantage"]["D_delta"].get<double>() /
                   std::sqrt(variance_of_runs(estimates(fields["runs"], "D_hat")) / kTuned),
               fields["summary"]["freeze_advantage"]["L_delta"].get<double>() /
                   std::sqrt(variance_of_runs(estimates(fields["runs"], "L_forget_hat")) / kTuned));
  EXPECT_NEAR(fields["summary"]["replication"]["z"].get<double>(), single, 1e-9);
}

// What the four conditions say, and the verdict.
std::string outcome(const Json& fields) {
  std::string text;
  for (const char* const name : {"drift", "forgetting", "correlation", "advantage"}) {
    text += fields["summary"]["conditions"][name].get<bool>() ? '+' : '-';
  }
  return text + ' ' + fields["summary"]["verdict"].get<std::string>();
}

TEST(KlBoundedAdaptation, PassesWhereAllFourConditionsHold) {
  EXPECT_EQ(outcome(adaptation_fields(Adaptation(kOrdinary).facts())), "++++ PASS");
}

TEST(KlBoundedAdaptation, EachConditionAloneFailsIt) {
  const Adaptation ordinary(kOrdinary);
  AdaptationFacts facts = ordinary.facts();
  const Json summary = adaptation_fields(facts)["summary"];
  facts.d_max = summary["D_hat_mean"].get<double>();
  EXPECT_EQ(outcome(adaptation_fields(facts)), "++++ PASS");  // the bound itself is allowed
  facts.d_max = std::nextafter(facts.d_max, 0);
  EXPECT_EQ(outcome(adaptation_fields(facts)), "-+++ FAIL");
  facts = ordinary.facts();
  facts.l_max = std::nextafter(summary["L_forget_hat_mean"].get<double>(), 0);
  EXPECT_EQ(outcome(adaptation_fields(facts)), "+-++ FAIL");

  Steps reversed = kOrdinary;
  std::swap(reversed[0], reversed[5]);
  std::swap(reversed[2], reversed[3]);
  const Adaptation unrelated(lowered_by(kOrdinary, 1), lowered_by(reversed, 2));
  EXPECT_EQ(outcome(adaptation_fields(unrelated.facts())), "++-+ FAIL");

  Steps near_comparison = kOrdinary;
  near_comparison[6] = near_comparison[7] = 0.2f;
  const Adaptation closer(lowered_by(near_comparison, 1), lowered_by(kOrdinary, 2));
  EXPECT_EQ(outcome(adaptation_fields(closer.facts())), "+++- FAIL");
}

TEST(KlBoundedAdaptation, EqualRunsHaveNoRanks) {
  const Adaptation equal(Steps{0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.9f, 0.9f});
  const Json fields = adaptation_fields(equal.facts());
  EXPECT_EQ(outcome(fields), "++-+ DEGENERATE");
  const Json& correlation = fields["summary"]["correlation"];
  EXPECT_EQ(correlation["rho"], nullptr);
  EXPECT_EQ(correlation["ci95"], nullptr);
  EXPECT_EQ(correlation["dropped"], 200);
  EXPECT_EQ(correlation["p_exact"], nullptr);
  EXPECT_EQ(fields["summary"]["replication"],
            Json::parse(R"({"z": null, "replication": null, "n_for_90": null, "unit": "run"})"));
  EXPECT_EQ(fields["null_reasons"].size(), 4);
}

TEST(KlBoundedAdaptation, AnUndefinedWindowIsNullWithAReasonAndLeftOut) {
  const LogitsOf sound = lowered_by(kOrdinary, 2);
  const LogitsOf faulty = [&](size_t c, size_t w) {
    ThreeLogits logits = sound(c, w);
    if (c == 2 && w == 7) logits[2] = std::numeric_limits<float>::quiet_NaN();
    return logits;
  };
  const Adaptation adaptation(lowered_by(kOrdinary, 1), faulty);
  const Json fields = adaptation_fields(adaptation.facts());
  const Json& base = fields["per_window"]["base"];
  EXPECT_EQ(base["loss"]["run-2"][7], nullptr);
  EXPECT_EQ(base["L_forget"]["run-2"][7], nullptr);
  EXPECT_NE(base["L_forget"]["run-3"][7], nullptr);
  EXPECT_NE(fields["runs"][1]["L_forget_hat"], nullptr);
  EXPECT_EQ(fields["null_reasons"].size(), 3);  // of ranks that always agree, too
}

}  // namespace
}  // namespace rg::experiments::testing
