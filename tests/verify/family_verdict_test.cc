// Verdicts on families and on bundles, and the sentence of each.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "base/sha256.h"
#include "verify/artifacts.h"
#include "verify/holm.h"

namespace rg::verify::testing {
namespace {

// Adds to an array of a family and completes the artifact, forgetting following its losses.
void move_checkpoint(Json& artifact, const std::string& domain, const std::string& checkpoint,
                     double drift, double loss) {
  Json& arrays = artifact["per_window"][domain];
  for (size_t w = 0; w < arrays["D"][checkpoint].size(); ++w) {
    const auto moved = [&](const char* name, double amount) {
      Json& value = arrays[name][checkpoint][w];
      value = std::max(0.0, value.get<double>() + amount);
      return value.get<double>();
    };
    moved("D", drift);
    arrays["L_forget"][checkpoint][w] =
        moved("loss", loss) - arrays["loss"]["base"][w].get<double>();
  }
  complete(artifact);
}

// `aligned` becomes `tuned` in one domain, but for these windows.
void copy_tuned(Json& artifact, const std::string& domain, const std::vector<size_t>& but) {
  for (Json& array : artifact["per_window"][domain]) {
    for (size_t w = 0; w < array["tuned"].size(); ++w) {
      if (std::find(but.begin(), but.end(), w) == but.end()) {
        array["aligned"][w] = array["tuned"][w];
      }
    }
  }
  complete(artifact);
}

Judgement judge_with(const Json& artifact, const Options& options) {
  return judge_text(text_of(artifact), "artifact", options);
}

bool mentions(const std::vector<std::string>& texts, const std::string& text) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& candidate) {
    return candidate.find(text) != std::string::npos;
  });
}

TEST(Holm, StepsDownInTheOrderGiven) {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005};
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  const std::vector<double> adjusted = holm_adjusted(p);
  ASSERT_EQ(adjusted.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-15) << i;
}

TEST(Holm, EqualOnesStayEqualAndNoneExceedsOne) {
  EXPECT_EQ(holm_adjusted(std::vector<double>{0.5, 0.5, 0.9}),
            (std::vector<double>{1.0, 1.0, 1.0}));
  EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(KlEdgeDominance, PassesWhereBothGrowAlongEveryEdge) {
  const Judgement judgement = judge(make_kl_edge_dominance({}));
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(judgement.model, "line");
  EXPECT_EQ(judgement.domain, "prose+code");
  EXPECT_EQ(judgement.n_windows, 200u);
  EXPECT_EQ(judgement.criteria.size(), 8u);
  EXPECT_EQ(judgement.criteria[1].name, "forgetting base->tuned in prose");
  EXPECT_EQ(judgement.effect->name, "forgetting tuned->aligned in code");
  EXPECT_EQ(judgement.stability->probability, 1.0);
  EXPECT_EQ(judgement.sentence,
            "Along 2 edges in 2 domains both grow: the divergence from base by at least 0.043 "
            "nats, and forgetting (the loss above that of base) by at least 0.0156 nats.");
}

TEST(KlEdgeDominance, FailsWhereOneDoesNotGrowInOneDomain) {
  Json artifact = make_kl_edge_dominance({});
  move_checkpoint(artifact, "code", "aligned", 0, -0.03);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_EQ(judgement.effect->name, "forgetting tuned->aligned in code");
  EXPECT_EQ(at(artifact, "summary.edges.code.tuned__to__aligned.holds"), false);
  EXPECT_EQ(at(artifact, "summary.edges.code.tuned__to__aligned.L_p"), 1.0);
  EXPECT_EQ(judgement.sentence,
            "Not shown: growth along every edge of forgetting (fails in 1 of 4 comparisons: it "
            "does not grow).");
}

TEST(KlEdgeDominance, TheSentenceSaysHowMuchGrowthIsLeftOpen) {
  Json artifact = make_kl_edge_dominance({});
  move_checkpoint(artifact, "prose", "aligned", -0.05, -0.02);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(judgement.sentence,
            "Not shown: growth along every edge of the divergence from base (fails in 1 of 4 "
            "comparisons: it grows by at most 0.00693 nats), and of forgetting (fails in 1 of 4 "
            "comparisons: it grows by at most 0.00362 nats).");
}

TEST(KlEdgeDominance, AnEdgeBetweenEqualModelsIsDegenerate) {
  Json artifact = make_kl_edge_dominance({});
  copy_tuned(artifact, "code", {});
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.reasons[0].path, "edges");
  EXPECT_EQ(judgement.sentence,
            "tuned->aligned in code: neither divergence nor loss differs in any window, so the "
            "edge joins a model with itself.");
}

// The smallest domain has 200 windows: subsets are drawn of these and taken of both domains.
TEST(KlEdgeDominance, ConvergenceJudgesTheSubsetsOwnWindows) {
  Json artifact = make_kl_edge_dominance({});
  copy_tuned(artifact, "code", {8});
  ASSERT_EQ(judge(artifact).verdict, Verdict::fail);
  Json& convergence = artifact["summary"]["convergence"];
  ASSERT_EQ(convergence["grid"].size(), 5u);
  convergence["settled_at"] = nullptr;
  convergence["settled"] = false;
  for (Json& point : convergence["grid"]) {
    const auto m = point["windows"].get<uint32_t>();
    int failing = 0;
    for (uint32_t s = 0; s < 200; ++s) {
      const auto members = draw_subset(200, m, 11, Purpose::convergence_subset, s, 0);
      failing += std::find(members.begin(), members.end(), 8u) != members.end() ? 1 : 0;
    }
    point["agreement"] = failing / 200.0;
  }
  ASSERT_LT(convergence["grid"][3]["agreement"], 0.95);
  ASSERT_EQ(convergence["grid"][4]["agreement"], 1);
  convergence["settled_at"] = 200;
  seal(artifact);
  Options options = quick_options();
  options.recompute_convergence = true;
  EXPECT_EQ(judge_with(artifact, options).verdict, Verdict::fail)
      << judge_with(artifact, options).sentence;
}

TEST(KlEdgeDominance, TheSmallestDomainDecidesWhetherThereIsEnough) {
  const Judgement judgement = judge(make_kl_edge_dominance({.windows = 199}));
  EXPECT_EQ(judgement.verdict, Verdict::insufficient);
  EXPECT_EQ(judgement.reasons[0].path, "data.prose.n_windows");
  EXPECT_EQ(judgement.sentence, "Only 199 windows of prose were measured; a verdict needs 200.");
  EXPECT_EQ(judge(make_kl_edge_dominance({.replicates = 199})).verdict, Verdict::insufficient);
}

// All domains count together: each for itself would be within the limits.
TEST(KlEdgeDominance, TooMuchWorkIsRefused) {
  Json artifact = make_kl_edge_dominance({.windows = 300});
  artifact["summary"]["bootstrap"]["B"] = 1'000'000;
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::over_budget);
}

// What the published contract holds and nothing beyond it.
Json published_dominance() {
  Json a = make_kl_edge_dominance({});
  for (const char* member : {"body_sha256", "checkpoints", "inputs", "notes", "numeric_profile",
                             "program_version", "settings", "tensors", "layers", "verification"}) {
    a.erase(member);
  }
  a["family"].erase("sha256");
  a["family"]["ckpt_paths"] = {"/tuned", "/aligned"};
  a["family"]["base_ckpt_dir"] = "/base";
  for (Json& domain : a["per_window"]) domain.erase("loss");
  for (const char* member : {"convergence", "null", "verdict"}) a["summary"].erase(member);
  for (Json& domain : a["summary"]["edges"]) {
    for (Json& edge : domain) {
      edge = {{"D_delta_ci95", edge["D_delta_ci95"]}, {"L_delta_ci95", edge["L_delta_ci95"]}};
    }
  }
  return a;
}

TEST(KlEdgeDominance, APublishedArtifactIsJudgedByThePublishedRule) {
  const Judgement judgement = judge(published_dominance());
  EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
  EXPECT_EQ(judgement.rule, "published");
  EXPECT_TRUE(judgement.warnings.empty()) << judgement.warnings[0];
}

TEST(KlEdgeDominance, APublishedOneMayNestItsMeansAndLeaveOutTheBase) {
  Json artifact = published_dominance();
  artifact["family"]["ckpts"] = {"tuned", "aligned"};
  for (Json& domain : artifact["per_window"]) {
    for (Json& array : domain) array.erase("base");
  }
  for (Json& domain : artifact["summary"]["per_domain"]) {
    domain.erase("base");
    domain = {{"D", domain}};
  }
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass) << judge(artifact).sentence;
  at(artifact, "summary.per_domain.code.D.tuned.D_hat.mean") = 0.5;
  EXPECT_EQ(judge(artifact).verdict, Verdict::invalid);
}

TEST(KlEdgeDominance, AForeignIntervalFarOffIsAWarning) {
  Json artifact = published_dominance();
  at(artifact, "summary.edges.code.base__to__tuned.D_delta_ci95") = {0.0, 0.5};
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_TRUE(mentions(judgement.warnings, "beyond Monte-Carlo error"));
  EXPECT_TRUE(judgement.stability->fragile);
}

TEST(KlEdgeDominance, OneOfOurFieldsBringsAllOfOurRules) {
  for (const char* path : {"notes", "family.sha256", "per_window.code.loss", "summary.verdict",
                           "summary.edges.code.base__to__tuned.holds"}) {
    Json artifact = published_dominance();
    at(artifact, path) = Json::array();
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.rule, "full") << path;
    EXPECT_EQ(judgement.verdict, Verdict::invalid) << path;
  }
}

TEST(EntropyCollapse, IsReportedHoweverFewTheWindows) {
  const Judgement judgement = judge(make_entropy_collapse({}));
  EXPECT_EQ(judgement.verdict, Verdict::reported);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(judgement.sentence,
            "Along 2 edges in 2 domains the entropy of the next-token distribution changes by "
            "-0.261 to -0.162 nats, and the calibration gap (loss less entropy) by +0.141 to "
            "+0.287 nats.");
  EXPECT_EQ(judge(make_entropy_collapse({.windows = 60})).verdict, Verdict::reported);
}

// The last layer drops no more than the one before.
void flatten(Json& scan) {
  const std::string last = std::to_string(scan["model"]["terminal_moe_layer"].get<int>());
  for (const char* array : {"ovk_cf_mean", "swap_k_mean", "n_undefined"}) {
    scan["per_window"][array][last] = scan["per_window"][array]["1"];
  }
  complete(scan);
}

// Two layers are one jump.
void shorten(Json& scan) {
  for (Json& array : scan["per_window"]) array.erase("1");
  scan["expert_counts"].erase("1");
  scan["layers"].erase(0);
  scan["verification"]["required_layers"] = scan["layers"];
  const Json bootstrap = scan["summary"]["bootstrap"];
  const Json null = {{"kind", scan["summary"]["null"]["kind"]}};
  scan["summary"] = {{"bootstrap", bootstrap}, {"null", null}};
  complete(scan);
}

TEST(TerminalTracking, PassesWhereEveryScanPassesAtItsOwnLastLayer) {
  const Judgement judgement = judge(make_terminal_tracking({}));
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(judgement.model, "line");
  EXPECT_EQ(judgement.effect->name, "terminal_jump");
  EXPECT_EQ(judgement.stability->probability, 1.0);
  EXPECT_TRUE(judgement.convergence);
  EXPECT_EQ(judgement.sentence,
            "In all 2 models routing again after its own update loses most of its choice at the "
            "last MoE layer, wherever that is (layers 5, 7).");
}

TEST(TerminalTracking, EffectAndConvergenceAreTheWeakestScans) {
  Json artifact = make_terminal_tracking({});
  // Half of the drop in the second one.
  Json& scan = artifact["scans"][1];
  Json& last = at(scan, "per_window.ovk_cf_mean.7");
  for (size_t w = 0; w < last.size(); w += 2) {
    last[w] = at(scan, "per_window.ovk_cf_mean.1")[w];
  }
  const Json bootstrap = scan["summary"]["bootstrap"];
  const Json convergence = scan["summary"]["convergence"];
  const Json null = {{"kind", scan["summary"]["null"]["kind"]}};
  scan["summary"] = {{"bootstrap", bootstrap}, {"null", null}, {"convergence", convergence}};
  complete(scan);
  complete(artifact);
  const Json& own = scan["summary"];
  const Json& summary = artifact["summary"];
  EXPECT_EQ(summary["effect"]["ckpt"], "deeper");
  EXPECT_EQ(summary["effect"]["pair"], "3->7");
  EXPECT_EQ(summary["effect"]["delta_mean"], own["terminal_jump"]["delta_mean"]);
  EXPECT_EQ(summary["effect"]["ci95"], own["terminal_jump"]["ci95"]);
  EXPECT_EQ(summary["convergence"]["z"], own["convergence"]["z"]);
  EXPECT_EQ(summary["convergence"]["n_for_90"], own["convergence"]["n_for_90"]);
  const Judgement judgement = judge(artifact);
  EXPECT_NE(judgement.verdict, Verdict::invalid) << judgement.sentence;
  EXPECT_EQ(judgement.convergence->z, own["convergence"]["z"].get<double>());
}

TEST(TerminalTracking, FailsWhereOneScanFails) {
  Json artifact = make_terminal_tracking({});
  flatten(artifact["scans"][1]);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_TRUE(mentions(judgement.warnings, "scans[1]: "));
  EXPECT_EQ(judgement.sentence,
            "Not shown: that the last MoE layer loses most of its choice in every model (fails in "
            "1 of 2: deeper).");
}

TEST(TerminalTracking, OneDepthCannotTellTheLastLayerFromAFixedOne) {
  Json artifact = make_terminal_tracking({});
  Json& other = artifact["scans"][1];
  other = artifact["scans"][0];
  other["tensors"][0]["sha256"] = sha256_hex("another gate");
  seal(other);
  complete(artifact);
  EXPECT_EQ(artifact["summary"]["distinct_terminal_moe_layers"], 1);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_EQ(judgement.sentence,
            "In all 2 models the last MoE layer loses most of its choice, but those are 1 depth "
            "(layer 5); 2 are needed to tell the last layer from a fixed one.");
}

TEST(TerminalTracking, TwoScansOfOneModelAreInvalidWhateverItIsCalled) {
  Json artifact = make_terminal_tracking({});
  Json& other = artifact["scans"][1];
  other["tensors"] = artifact["scans"][0]["tensors"];
  seal(other);
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_EQ(judgement.reasons[0].check, "bundle_parts");
  EXPECT_EQ(judgement.reasons[0].path, "scans[1]");
}

TEST(TerminalTracking, AnInvalidScanMakesTheBundleInvalid) {
  Json artifact = make_terminal_tracking({});
  at(artifact, "scans.1.per_window.swap_k_mean.3.9") = 1.5;
  seal(artifact["scans"][1]);
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_FALSE(judgement.arrays_verdict);
  EXPECT_EQ(judgement.reasons[0].path, "scans[1].per_window.swap_k_mean.3[9]");
  EXPECT_EQ(judgement.sentence,
            "This artifact cannot be judged: scans[1].per_window.swap_k_mean.3[9] found 1.5, "
            "expected 0 to 1.");
}

TEST(TerminalTracking, AScanThatIsTooMuchWorkIsRefusedUnlessItIsInvalid) {
  Json artifact = make_terminal_tracking({});
  Json& scan = artifact["scans"][1];
  scan["summary"]["bootstrap"]["B"] = 1'000'001;
  seal(scan);
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::over_budget);
  EXPECT_EQ(judgement.reasons[0].path, "scans[1].summary.bootstrap.B");
  scan["data"]["seq_len"] = 1;
  EXPECT_EQ(judge(artifact).verdict, Verdict::invalid);
}

TEST(TerminalTracking, AScanWithoutAnAnswerLeavesNone) {
  Json artifact = make_terminal_tracking({});
  shorten(artifact["scans"][1]);
  complete(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::degenerate) << judge(artifact).sentence;
  artifact["scans"][0] = make_terminal_ovk_scan({.windows = 199});
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::insufficient);
  EXPECT_EQ(judgement.n_windows, 199u);
  EXPECT_EQ(judgement.reasons[0].path, "scans[0].data.n_windows");
  EXPECT_EQ(judgement.sentence, "synthetic: Only 199 windows were measured; a verdict needs 200.");
}

TEST(TerminalTracking, ThreeDepthsMayBeAskedFor) {
  Json artifact = make_terminal_tracking({});
  artifact["verification"]["min_distinct_terminals"] = 3;
  complete(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::fail);
}

TEST(TerminalTracking, APublishedOneTellsModelsByTheirTensorsOrElseTheirNames) {
  Json artifact = make_terminal_tracking({});
  for (const char* member : {"body_sha256", "family", "notes", "program_version"}) {
    artifact.erase(member);
  }
  for (const char* member : {"convergence", "effect", "verdict"}) {
    artifact["summary"].erase(member);
  }
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
  EXPECT_EQ(judgement.rule, "published");
  EXPECT_EQ(judgement.model, "synthetic+deeper");
  EXPECT_TRUE(mentions(judgement.notes, "by name"));
}

TEST(TerminalCompatibility, IsSafeWhereScanAndChartPass) {
  const Judgement judgement = judge(make_terminal_compatibility({}));
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(judgement.model, "synthetic");
  EXPECT_EQ(judgement.layers.size(), 3u);
  EXPECT_EQ(judgement.sentence,
            "Safe: routing loses most of its choice at the last MoE layer (layer 5), and the "
            "experts that compete at a boundary are alike.");
}

TEST(TerminalCompatibility, IsUnsafeWhereTheChartFails) {
  Json artifact = make_terminal_compatibility({});
  for (Json& value : at(artifact, "chart.per_window.interior.kappa_hidden_median.3")) {
    value = value.get<double>() - 0.1;
  }
  complete(artifact["chart"]);
  complete(artifact);
  EXPECT_EQ(artifact["summary"]["compatibility"], "unsafe");
  EXPECT_EQ(at(artifact, "summary.layer_sets.transition.failure_type.3"), "C1_only");
  EXPECT_EQ(at(artifact, "summary.layer_sets.terminal.failure_type.5"), "neither");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_EQ(judgement.effect->name, "C1");
  EXPECT_EQ(judgement.effect->layer, 3);
  EXPECT_EQ(judgement.sentence,
            "Unsafe: routing loses most of its choice at the last MoE layer (layer 5), and it is "
            "not shown that the experts that compete at a boundary are alike.");
}

TEST(TerminalCompatibility, DoesNotApplyWhereTheScanFails) {
  Json artifact = make_terminal_compatibility({});
  flatten(artifact["scan"]);
  complete(artifact);
  EXPECT_EQ(artifact["summary"]["compatibility"], "not applicable");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::reported) << judgement.sentence;
  EXPECT_EQ(judgement.sentence,
            "Not applicable: it is not shown that routing loses most of its choice at the last "
            "MoE layer (layer 5).");
}

TEST(TerminalCompatibility, APartWithoutAnAnswerLeavesNone) {
  Json artifact = make_terminal_compatibility({});
  shorten(artifact["scan"]);
  complete(artifact);
  EXPECT_TRUE(artifact["summary"]["compatibility"].is_null());
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate) << judgement.sentence;
  EXPECT_EQ(judgement.reasons[0].path, "scan.layers");
  EXPECT_EQ(judge(make_terminal_compatibility({.windows = 199})).verdict, Verdict::insufficient);
}

TEST(TerminalCompatibility, AVerifiersOwnLayersReachTheChart) {
  Json artifact = make_terminal_compatibility({});
  for (Json& value : at(artifact, "chart.per_window.interior.kappa_hidden_median.3")) {
    value = value.get<double>() - 0.1;
  }
  artifact["chart"]["verification"]["required_layers"] = {5};
  complete(artifact["chart"]);
  complete(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass);
  Options options = quick_options();
  options.required_layers = {3, 5};
  EXPECT_EQ(judge_with(artifact, options).verdict, Verdict::fail)
      << judge_with(artifact, options).sentence;
  options.required_layers = {3};
  EXPECT_EQ(judge_with(artifact, options).verdict, Verdict::invalid);
}

}  // namespace
}  // namespace rg::verify::testing
