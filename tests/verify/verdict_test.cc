// Verdicts, what is told with them, and files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "verify/artifacts.h"
#include "verify/collect.h"
#include "verify/document.h"

namespace rg::verify::testing {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "rg_verify_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void shift(Json& artifact, const std::string& path, double amount) {
  for (Json& value : at(artifact, path)) value = value.get<double>() + amount;
}

// What the published contract holds and nothing beyond it.
Json published(const Json& ours) {
  const auto only = [](const Json& from, const std::vector<std::string>& names) {
    Json kept = Json::object();
    for (const std::string& name : names) {
      if (from.contains(name)) kept[name] = from[name];
    }
    return kept;
  };
  Json a =
      only(ours, {"schema_version", "test", "model", "domain", "data", "gate_semantics", "layers",
                  "verification", "strata_def", "controls", "per_window", "summary", "manifest"});
  a["model"] = only(a["model"], {"ckpt", "terminal_moe_layer"});
  a["gate_semantics"] = only(a["gate_semantics"], {"topk", "scores_dtype"});
  a["per_window"] = only(a["per_window"], {"boundary", "interior", "boundary_random_e2",
                                           "interior_random_e2", "ovk_cf_mean", "swap_k_mean"});
  if (a["test"] == "chart_compatibility") {
    a["strata_def"].erase("interior_high_quantile");
    for (Json& stratum : a["per_window"]) {
      stratum = only(stratum, {"kappa_hidden_median", "kappa_target_median"});
    }
  } else {
    // It knows no undefined positions: every overlap is a count over k T.
    const double whole = 2 * (ours["data"]["seq_len"].get<double>() - 1);
    for (Json& layers : a["per_window"]) {
      for (Json& values : layers) {
        for (Json& value : values) value = std::round(value.get<double>() * whole / 2) * 2 / whole;
      }
    }
  }
  a["summary"] = only(a["summary"], {"bootstrap", "per_layer", "max_jump", "terminal_jump",
                                     "dominance_probability"});
  for (Json& layer : a["summary"]["per_layer"]) {
    layer = only(layer, {"kappa_hidden", "kappa_target", "random_e2_delta_hidden_boundary",
                         "random_e2_delta_target_boundary", "ovk_cf_mean", "ovk_cf_ci95"});
  }
  complete(a);
  a.erase("body_sha256");
  return a;
}

bool warns(const Judgement& judgement, const std::string& text) {
  return std::any_of(judgement.warnings.begin(), judgement.warnings.end(),
                     [&](const std::string& w) { return w.find(text) != std::string::npos; });
}

TEST(Verdict, ChartCompatibilityPasses) {
  const Judgement judgement = judge(make_chart_compatibility({}));
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  ASSERT_TRUE(judgement.stability);
  EXPECT_EQ(judgement.stability->probability, 1.0);
  EXPECT_FALSE(judgement.stability->fragile);
  ASSERT_TRUE(judgement.convergence);
  EXPECT_GT(judgement.convergence->z, 2);
  EXPECT_GT(judgement.convergence->n_for_90, 0u);
  EXPECT_EQ(judgement.layers.size(), 3u);
}

TEST(Verdict, ChartCompatibilityFailsOnOneAxisOfOneLayer) {
  Json artifact = make_chart_compatibility({});
  shift(artifact, "per_window.interior.kappa_hidden_median.3", -0.1);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_EQ(judgement.layers[1].failure_type, "C1_only");
  EXPECT_EQ(judgement.effect->name, "C1");
  EXPECT_EQ(judgement.effect->layer, 3);
  EXPECT_FALSE(judgement.convergence->n_for_90);
  EXPECT_EQ(
      judgement.sentence,
      "Not shown: that the two experts competing at a routing boundary are more alike there "
      "than in the interior (fails at 1 of 3 layers: kappa is not lower). Swapping them would "
      "change the layer's output by 90.1 to 91.0 %.");
}

TEST(Verdict, AVerifiersOwnLayersOverrideTheArtifacts) {
  Json artifact = make_chart_compatibility({});
  shift(artifact, "per_window.interior.kappa_hidden_median.3", -0.1);
  artifact["verification"]["required_layers"] = {1, 5};
  complete(artifact);
  const Judgement own_list = judge(artifact);
  EXPECT_EQ(own_list.verdict, Verdict::pass);
  EXPECT_TRUE(warns(own_list, "2 of 3 measured layers are required"));
  Options options = quick_options();
  options.required_layers = {3};
  EXPECT_EQ(judge_text(text_of(artifact), "a", options).verdict, Verdict::fail);
  options.required_layers = {4};
  EXPECT_EQ(judge_text(text_of(artifact), "a", options).verdict, Verdict::invalid);
}

// One window of layer 3 in which a token is boundary and interior both.
void overlap(Json& artifact, size_t window) {
  Json& per_window = artifact["per_window"];
  for (auto& [name, stratum] : per_window.items()) {
    if (!stratum.contains("tokens")) continue;
    for (auto& [metric, layers] : stratum.items()) {
      layers["3"][window] = metric == "tokens" ? Json(0) : Json(nullptr);
    }
  }
  for (const char* array : {"c1_matched_interior", "c1_matched_interior_target"}) {
    per_window[array]["3"][window] = nullptr;
  }
  for (const char* array : {"positions", "mean"}) {
    per_window["exact_random"]["3"][array][window] = nullptr;
  }
  for (Json& drawn : per_window["random_draws"]) drawn["3"][window] = nullptr;
  artifact["null_reasons"] = {{"per_window", "tied margins"}};
}

TEST(Verdict, ASingleDrawHasNoMeansOverDraws) {
  Json artifact = make_chart_compatibility({});
  artifact["random_draws"] = 1;
  artifact["per_window"].erase("random_draws");
  for (Json& layer : artifact["summary"]["per_layer"]) {
    layer.erase("c2_draws");
    layer.erase("c2_unselected_draws");
  }
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass) << judge(artifact).sentence;
}

TEST(Verdict, OverlappingStrataAreDegenerate) {
  Json artifact = make_chart_compatibility({});
  overlap(artifact, 8);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate) << judgement.sentence;
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
}

// As the producer does it: a subset of windows is degenerate if one of its own overlaps.
TEST(Verdict, ConvergenceOfADegenerateArtifactCountsTheSubsetsOwnWindows) {
  Json artifact = make_chart_compatibility({});
  overlap(artifact, 8);
  complete(artifact);
  Json& grid = artifact["summary"]["convergence"]["grid"];
  uint64_t settled_at = 0;
  for (Json& point : grid) {
    const auto m = point["windows"].get<uint32_t>();
    int degenerate = 0;
    for (uint32_t s = 0; s < 200; ++s) {
      const auto members = draw_subset(200, m, 11, Purpose::convergence_subset, s, 0);
      degenerate += std::find(members.begin(), members.end(), 8u) != members.end() ? 1 : 0;
    }
    point["agreement"] = degenerate / 200.0;
    if (degenerate < 190) settled_at = 0;
    if (degenerate >= 190 && settled_at == 0) settled_at = m;
  }
  ASSERT_LT(grid[0]["agreement"], 0.5);
  artifact["summary"]["convergence"]["settled_at"] = settled_at;
  artifact["summary"]["convergence"]["settled"] = settled_at <= 100;
  seal(artifact);
  Options options = quick_options();
  options.recompute_convergence = true;
  const Judgement judgement = judge_text(text_of(artifact), "a", options);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate) << judgement.sentence;
}

TEST(Verdict, ALayerWithoutAnyRandomPartnerIsInvalid) {
  // Two experts: e_k and e_{k+1} are all there are.
  Json artifact = make_chart_compatibility({});
  artifact["gate_semantics"]["experts"] = 2;
  artifact["gate_semantics"]["topk"] = 1;
  for (auto& [name, stratum] : artifact["per_window"].items()) {
    if (name.find("_e2") == std::string::npos) continue;
    for (auto& [metric, layers] : stratum.items()) {
      for (Json& values : layers) values = Json(200, metric == "tokens" ? Json(0) : Json(nullptr));
    }
  }
  for (Json& exact : artifact["per_window"]["exact_random"]) exact["mean"] = Json(200, nullptr);
  for (Json& drawn : artifact["per_window"]["random_draws"]) {
    for (Json& values : drawn) values = Json(200, nullptr);
  }
  artifact["null_reasons"] = {{"per_window", "no third expert"}};
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_EQ(judgement.reasons[0].check, "layer_defined") << judgement.sentence;
}

TEST(Verdict, TooFewWindowsOrReplicatesAreInsufficient) {
  EXPECT_EQ(judge(make_terminal_ovk_scan({.windows = 199})).verdict, Verdict::insufficient);
  EXPECT_EQ(judge(make_chart_compatibility({.windows = 137})).verdict, Verdict::insufficient);
  EXPECT_EQ(judge(make_terminal_ovk_scan({.replicates = 199})).verdict, Verdict::insufficient);
}

TEST(Verdict, TheTerminalScanPassesOrFails) {
  Json artifact = make_terminal_ovk_scan({});
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass);
  for (const char* array : {"ovk_cf_mean", "swap_k_mean", "n_undefined"}) {
    artifact["per_window"][array]["5"] = artifact["per_window"][array]["1"];
  }
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_TRUE(warns(judgement, "are identical"));
}

TEST(Verdict, TiesOfTheLargestDropCountAgainstTheTerminalLayer) {
  Json artifact = make_terminal_ovk_scan({});
  Json& overlap = artifact["per_window"]["ovk_cf_mean"];
  for (size_t w = 0; w < 200; ++w) {
    overlap["1"][w] = 1.0;
    overlap["3"][w] = 0.5;
    overlap["5"][w] = 0.0;
  }
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail) << judgement.sentence;
  EXPECT_EQ(artifact["summary"]["argmin_ties"], 200);
  EXPECT_EQ(artifact["summary"]["dominance_probability"], 0);
}

// Layer 1 defined in window 0 alone, every jump an exact number, the terminal one `terminal`: a
// replicate without window 0 has an undefined pair.
Json with_an_undefined_pair(double first, double terminal) {
  Json a = make_terminal_ovk_scan({.seq_len = 65});
  for (auto& [name, layers] : a["per_window"].items()) {
    for (size_t w = 1; w < 200; ++w) {
      layers["1"][w] = name == "n_undefined" ? Json(64) : Json(nullptr);
    }
  }
  a["per_window"]["n_undefined"]["3"] = Json(200, 0);
  for (size_t w = 0; w < 200; ++w) {
    a["per_window"]["ovk_cf_mean"]["3"][w] = 0.5;
    a["per_window"]["ovk_cf_mean"]["5"][w] = 0.5 + terminal;
  }
  a["per_window"]["swap_k_mean"]["3"] = Json(200, 0.25);
  a["per_window"]["ovk_cf_other"]["3"] = Json(200, 0.75);
  a["per_window"]["ovk_cf_mean"]["1"][0] = 0.5 - first;
  a["expert_counts"]["1"] = Json(8, 16);
  a["expert_counts"]["3"] = Json(8, 3200);
  a["null_reasons"]["per_window"] = "no finite margin";
  complete(a);
  return a;
}

TEST(Verdict, AReplicateWithAnUndefinedPairIsNeitherWinNorTie) {
  uint32_t undefined = 0;
  for (uint32_t b = 0; b < 200; ++b) {
    bool drawn = false;
    for (uint32_t i = 0; i < 200; ++i) {
      drawn = drawn || draw_below(200, 11, Purpose::bootstrap, {i, b, 0}) == 0;
    }
    undefined += drawn ? 0 : 1;
  }
  ASSERT_GT(undefined, 0u);
  ASSERT_LT(undefined, 200u);

  Json won = with_an_undefined_pair(-0.125, -0.25);
  EXPECT_EQ(judge(won).verdict, Verdict::fail) << judge(won).sentence;
  EXPECT_EQ(won["summary"]["dominance_probability"], (200 - undefined) / 200.0);
  EXPECT_EQ(won["summary"]["argmin_ties"], 0);
  // Counted as won, or left out of the divisor: neither.
  won["summary"]["dominance_probability"] = 1;
  seal(won);
  EXPECT_EQ(judge(won).reasons.at(0).check, "summary_mean");

  const Json tied = with_an_undefined_pair(-0.25, -0.25);
  EXPECT_EQ(judge(tied).verdict, Verdict::fail) << judge(tied).sentence;
  EXPECT_EQ(tied["summary"]["dominance_probability"], 0);
  EXPECT_EQ(tied["summary"]["argmin_ties"], 200 - undefined);
}

TEST(Verdict, AttentionRouterIsReportedWithItsLabels) {
  const Judgement judgement = judge(make_attention_router({}));
  EXPECT_EQ(judgement.verdict, Verdict::reported);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  ASSERT_EQ(judgement.beside.size(), 6u);
  EXPECT_EQ(judgement.beside[1].verdict, "H2");  // norm shares lie around 0.65
  EXPECT_EQ(judgement.beside[4].name, "H published, all layers");
  EXPECT_EQ(judgement.beside[5].name, "H published, without the first layer");
  EXPECT_EQ(judgement.effect->name, "attention share");
  EXPECT_FALSE(judgement.notes.empty());
}

TEST(Verdict, TheConventionChoosesWhatTheTableShows) {
  Json artifact = make_attention_router({});
  // Published ratios of 0.2, 0.9, 0.9: the mean of all is 2/3, without the first layer 0.9.
  for (Json& prompt : artifact["prompts"]) {
    const bool first = prompt["layer"] == 1;
    prompt["embed_norm"] = first ? 4.0 : 1.0;
    prompt["attention_norm"] = first ? 1.0 : 9.0;
    prompt["attention_ratio"] = first ? 0.2 : 0.9;
  }
  complete(artifact);
  const Judgement exact = judge(artifact);
  EXPECT_EQ(exact.verdict, Verdict::reported) << exact.sentence;
  EXPECT_EQ(exact.effect->name, "attention share");
  EXPECT_EQ(exact.beside[4].verdict, "H2 (66.7 %)");
  EXPECT_EQ(exact.beside[5].verdict, "H1 (90.0 %)");
  artifact["convention"] = "published";
  seal(artifact);
  const Judgement published = judge(artifact);
  EXPECT_EQ(published.verdict, Verdict::reported) << published.sentence;
  EXPECT_EQ(published.effect->name, "published ratio");
  EXPECT_NEAR(published.effect->estimate, 2.0 / 3, 1e-12);
  EXPECT_EQ(published.sentence,
            "By the published computation 66.7 % (balanced) of what enters the router at layers 1, "
            "3, 5 is not the embedding; without the first MoE layer 90.0 % (attention dominates). "
            "Not all of that is attention.");
  EXPECT_EQ(published.beside[0].verdict, exact.beside[0].verdict);
}

TEST(Verdict, WhatIsNotRecomputedIsSaid) {
  for (const char* test : {"attention_router", "expert_load"}) {
    const Judgement judgement = judge(make(test, {}));
    ASSERT_EQ(judgement.notes.size(), 1u) << test;
    EXPECT_NE(judgement.notes[0].find("taken as stated"), std::string::npos) << test;
  }
  Json router = make_attention_router({});
  const std::string compared = "ranks and cosines of the experts' matrices";
  EXPECT_NE(judge(router).notes.at(0).find(compared), std::string::npos);
  router.erase("expert_similarity");
  seal(router);
  EXPECT_EQ(judge(router).verdict, Verdict::reported);
  EXPECT_EQ(judge(router).notes.at(0).find(compared), std::string::npos);
}

TEST(Verdict, NumbersStandBesideAVerdictOnKappa) {
  const Judgement judgement = judge(make_chart_compatibility({}));
  std::map<std::string, std::string> beside;
  for (const Beside& row : judgement.beside) beside[row.name] = row.verdict;
  for (const char* name : {"kappa - kappa_orth", "cos", "log r", "jump_hidden, boundary",
                           "C2_unselected", "C1_matched", "kappa_target.C1_matched"}) {
    EXPECT_TRUE(beside.contains(name)) << name;
  }
  EXPECT_FALSE(beside.contains("kappa_target.C1"));  // medians of unequal samples
  EXPECT_TRUE(beside["kappa - kappa_orth"].starts_with("-0.1")) << beside["kappa - kappa_orth"];
}

TEST(Verdict, AWrongSummaryNamesTheVerdictOfTheArrays) {
  Json artifact = make_terminal_ovk_scan({});
  at(artifact, "summary.terminal_jump.delta_mean") = -0.9;
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_EQ(judgement.arrays_verdict, Verdict::pass);
  EXPECT_EQ(judgement.reasons[0].path, "summary.terminal_jump.delta_mean");
  EXPECT_NE(judgement.sentence.find("Its arrays alone would give PASS"), std::string::npos);
}

TEST(Verdict, PublishedArtifactsAreJudgedByThePublishedRule) {
  for (const char* test : {"chart_compatibility", "terminal_ovk_scan"}) {
    const Judgement judgement = judge(published(make(test, {})));
    EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
    EXPECT_EQ(judgement.rule, "published");
  }
  // An unknown generator may give other intervals, but not far beyond Monte-Carlo error.
  Json artifact = published(make_terminal_ovk_scan({}));
  Json& interval = at(artifact, "summary.per_layer.3.ovk_cf_ci95");
  interval[0] = interval[0].get<double>() - 0.2;
  EXPECT_TRUE(warns(judge(artifact), "beyond Monte-Carlo error"));
}

TEST(Verdict, APublishedArtifactWhoseIntervalsSayOtherwiseIsFragile) {
  Json chart = published(make_chart_compatibility({}));
  EXPECT_FALSE(judge(chart).stability->fragile);
  at(chart, "summary.per_layer.3.kappa_hidden.ci95.1") = 0.01;
  EXPECT_EQ(judge(chart).verdict, Verdict::pass);
  EXPECT_TRUE(judge(chart).stability->fragile);
  Json scan = published(make_terminal_ovk_scan({}));
  scan["summary"]["terminal_jump"] = {{"ci95", {-0.5, -0.4}}};
  scan["summary"]["dominance_probability"] = 1.0;
  EXPECT_FALSE(judge(scan).stability->fragile);
  scan["summary"]["dominance_probability"] = 0.9;
  EXPECT_EQ(judge(scan).verdict, Verdict::pass);
  EXPECT_TRUE(judge(scan).stability->fragile);
}

TEST(Verdict, CopiedWindowsAndConstantsAreSuspicious) {
  Json artifact = make_terminal_ovk_scan({});
  for (auto& [name, layers] : artifact["per_window"].items()) {
    for (auto& [layer, values] : layers.items()) values[57] = values[12];
  }
  artifact["per_window"]["update_ratio"]["3"] = Json(200, 0.25);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_TRUE(warns(judgement, "windows 12 and 57 identical in all layers"));
  EXPECT_TRUE(warns(judgement, "per_window.update_ratio.3 is the same in every window"));
}

TEST(Verdict, ManyUndefinedPositionsAreAWarning) {
  const std::string text = "more than 0.1 % of the positions have no finite margin";
  // 12,600 positions: 12 of them are few, 13 are not.
  for (const int undefined : {12, 13}) {
    Json chart = make_chart_compatibility({});
    chart["per_window"]["n_undefined"]["3"][4] = undefined;
    for (const char* name : {"interior", "interior_random_e2", "interior_unselected_e2"}) {
      chart["per_window"][name]["tokens"]["3"][4] = 30;
    }
    seal(chart);
    const Judgement judgement = judge(chart);
    EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
    EXPECT_EQ(warns(judgement, text + ": 0.103 % at layer 3"), undefined == 13);
  }
  const Json scan = with_an_undefined_pair(-0.125, -0.25);
  EXPECT_TRUE(warns(judge(scan), text + ": 99.5 % at layer 1"));

  // One window of 63 positions of which 20 are undefined.
  Json router = make_attention_router({});
  Json& per_window = router["per_window"];
  const int lost = 20;
  const double half = 0.5;
  per_window["n_undefined"]["3"][4] = lost;
  per_window["agreement_positions"]["3"][4] = 42;
  for (const char* agreement : {"agreement_top1", "agreement_topk"}) {
    per_window[agreement]["3"][4] = half;
  }
  for (const char* field : {"val", "val_mean_replaced"}) {
    for (Json& subset : per_window[field]) subset["3"][4] = half;
  }
  const auto drop = [&](const std::string& path, int amount) {
    Json& count = at(router, path);
    count = count.get<int>() - amount;
  };
  drop("expert_counts.3.0", 2 * lost);
  for (const auto& [list, amount] : {std::pair{"embedding_top1", 21},
                                     {"rest_top1", 21},
                                     {"embedding_topk", 42},
                                     {"rest_topk", 42}}) {
    drop(std::string("agreement_counts.3.") + list + ".0", amount);
  }
  complete(router);
  const Judgement judgement = judge(router);
  EXPECT_EQ(judgement.verdict, Verdict::reported) << judgement.sentence;
  EXPECT_TRUE(warns(judgement, text + ": 0.159 % at layer 3"));
}

TEST(Verdict, TooManyReplicatesAreOverBudgetAndHideNoOther) {
  Json artifact = make_terminal_ovk_scan({});
  artifact["summary"]["bootstrap"]["B"] = 1000000000000;
  seal(artifact);
  const Judgement large = judge(artifact);
  EXPECT_EQ(large.verdict, Verdict::over_budget);
  ASSERT_EQ(large.reasons.size(), 1u);
  EXPECT_EQ(large.reasons[0].id, error_name(ErrorId::AR004));
  const Judgement pass = judge(make_terminal_ovk_scan({}));
  EXPECT_EQ(exit_code({pass, large}), ExitCode::budget);
  artifact["test"] = "none";
  EXPECT_EQ(exit_code({large, judge(artifact)}), ExitCode::artifact);
}

TEST(Verdict, ConvergenceIsRecomputedOnRequest) {
  Json artifact = make_terminal_ovk_scan({});
  Options options = quick_options();
  options.recompute_convergence = true;
  const Judgement judgement = judge_text(text_of(artifact), "a", options);
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(judgement.convergence->settled_at, 50u);
  EXPECT_EQ(judgement.convergence->settled, true);
  at(artifact, "summary.convergence.grid.2.agreement") = 0.96;
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass);  // only then
  EXPECT_EQ(judge_text(text_of(artifact), "a", options).verdict, Verdict::invalid);
}

TEST(Verdict, OneFlippedByteIsNoticed) {
  const std::string text = text_of(make_terminal_ovk_scan({}));
  const Options options = quick_options();
  const size_t manifest = text.find("\"manifest\"");
  uint32_t tried = 0;
  for (size_t i = 0; i < 1000; ++i) {
    const size_t place = (i * 7919 + 13) % text.size();
    if (place >= manifest) continue;  // circumstances are outside of the digest
    std::string flipped = text;
    flipped[place] = static_cast<char>(flipped[place] ^ (1 << (i % 7)));
    const Judgement judgement = judge_text(flipped, "flipped", options);
    ++tried;
    if (judgement.verdict == Verdict::invalid) continue;
    // What isn't noticed says the same in other bytes: 1e-05 and 1E-05.
    EXPECT_EQ(judgement.body_sha256, Json::parse(flipped)["body_sha256"]) << place;
  }
  EXPECT_GT(tried, 900u);
}

TEST(Files, AFolderIsEveryRunBelowIt) {
  const Folder folder;
  const std::string text = text_of(make_terminal_ovk_scan({}));
  folder.write("b/run.json", text);
  folder.write("a/x/run.json", text);
  folder.write("a/manifest.json", "{}");
  const auto found = find_artifacts(folder.path());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], folder.path() / "a/x/run.json");
  EXPECT_EQ(verify_paths({folder.path()}, quick_options()).size(), 2u);
}

TEST(Files, NothingToJudge) {
  const Folder folder;
  for (const fs::path& path : {folder.path(), folder.path() / "none"}) {
    try {
      find_artifacts(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.id(), ErrorId::AR003);
      EXPECT_EQ(error.exit_code(), ExitCode::artifact);
    }
  }
}

// Root may read every folder, so the failure is handed in.
TEST(Files, AFolderThatCannotBeReadIsAnEnvironmentError) {
  const Folder folder;
  folder.write("a/run.json", text_of(make_terminal_ovk_scan({})));
  folder.write("locked/run.json", "{}");
  const auto list = [](const fs::path& path, std::error_code& failure) {
    if (path.filename() == "locked") {
      failure = std::make_error_code(std::errc::permission_denied);
      return std::vector<fs::directory_entry>();
    }
    return list_folder(path, failure);
  };
  try {
    find_artifacts(folder.path(), list);
    FAIL() << "passed over";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::IO003);
    EXPECT_EQ(error.exit_code(), ExitCode::environment);
    EXPECT_NE(error.parts().file.find("locked"), std::string::npos);
  }
}

// A link that leads to itself: ELOOP, whoever asks.
TEST(Files, AnArtifactThatCannotBeOpenedIsAnEnvironmentError) {
  const Folder folder;
  fs::create_directory(folder.path() / "a");
  fs::create_symlink("run.json", folder.path() / "a/run.json");
  for (const fs::path& path : {folder.path(), folder.path() / "a/run.json"}) {
    try {
      verify_paths({path}, quick_options());
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.id(), ErrorId::IO003);
      EXPECT_EQ(error.exit_code(), ExitCode::environment);
    }
  }
}

TEST(Files, WhatIsNoArtifactIsInvalid) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  const Options options = quick_options();
  Options small = options;
  small.max_bytes = 1000;
  const fs::path large = folder.write("large.json", text_of(make_terminal_ovk_scan({})));
  for (const Judgement& judgement :
       {judge_file(folder.path() / "pipe", options), judge_file(large, small),
        judge_file(folder.write("empty", ""), options), judge_file(folder.write("x", "x"), options),
        judge_file(folder.write("gz", "\x1f\x8b\x08"), options)}) {
    EXPECT_EQ(judgement.verdict, Verdict::invalid) << judgement.path;
    EXPECT_FALSE(judgement.sentence.empty());
  }
}

TEST(Document, KeepsWhatJudgingNeeds) {
  const Document document =
      Document::parse(R"({"a":-0.0,"b":[1,18446744073709551615,-0],"a":2})", {}, "t");
  ASSERT_EQ(document.duplicates().size(), 1u);
  EXPECT_EQ(document.duplicates()[0].path, "a");
  const Value* list = document.root().find("b");
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->array()[0].is(Kind::integer));
  EXPECT_TRUE(list->array()[1].large_integer());
  EXPECT_TRUE(list->array()[2].minus_zero());
  EXPECT_EQ(document.root().find("c"), nullptr);
}

TEST(Document, TroubleSaysWhere) {
  try {
    Document::parse(R"({"layers":[{"F":[0.5,NaN]}]})", {}, "t");
    FAIL() << "accepted";
  } catch (const NotJson& error) {
    EXPECT_EQ(error.trouble().path, "layers[0].F[1]");
    EXPECT_NE(error.trouble().reason.find("NaN"), std::string::npos);
  }
}

TEST(Document, DigestLeavesOutManifestAndItself) {
  const auto digest = [](const char* text) {
    return body_digest(Document::parse(text, {}, "t").root());
  };
  EXPECT_EQ(digest(R"({"b":1,"a":[1.0,100000.0]})"),
            digest(R"({"a":[1,1e5],"manifest":{"host":"x"},"b":1,"body_sha256":"y"})"));
  EXPECT_NE(digest(R"({"a":1})"), digest(R"({"a":2})"));
}

}  // namespace
}  // namespace rg::verify::testing
