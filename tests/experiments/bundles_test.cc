// terminal_tracking and terminal_compatibility: verdicts of bundled artifacts, and refusals.
#include <gtest/gtest.h>

#include "experiments/fake_engine.h"
#include "experiments/family/terminal_compatibility.h"
#include "experiments/family/terminal_tracking.h"
#include "support/caught.h"

namespace rg::experiments::testing {
namespace {

using test::caught;

// The members that a bundle reads.
Json artifact_of(const std::string& ckpt, int terminal, const std::string& verdict,
                 uint32_t windows) {
  return {{"model", {{"ckpt", ckpt}, {"terminal_moe_layer", terminal}}},
          {"domain", "prose"},
          {"data", {{"n_windows", windows}}},
          {"tensors", Json::array({{{"name", "embedding"}, {"sha256", "same in all"}},
                                   {{"name", "gate"}, {"sha256", "of " + ckpt}}})},
          {"summary", {{"convergence", {{"verdict", verdict}}}}}};
}

Json scan_of(const std::string& ckpt, int terminal, const std::string& verdict) {
  return artifact_of(ckpt, terminal, verdict, 200);
}

Json track(const std::vector<Json>& scans, uint32_t min_distinct) {
  std::vector<const Json*> pointers;
  for (const Json& scan : scans) pointers.push_back(&scan);
  return bundle_terminal_scans(pointers, min_distinct).fields;
}

std::string tracked(const std::vector<Json>& scans) {
  return track(scans, 2)["summary"]["verdict"].get<std::string>();
}

TEST(TerminalTracking, BundlesWholeScansAndCountsTheirDepths) {
  const std::vector<Json> scans = {scan_of("a", 15, "PASS"), scan_of("b", 23, "PASS"),
                                   scan_of("c", 15, "PASS")};
  const Json fields = track(scans, 2);
  EXPECT_EQ(fields["scans"], Json(scans));
  EXPECT_EQ(fields["verification"], Json({{"min_distinct_terminals", 2}}));
  EXPECT_EQ(fields["summary"], Json({{"n_scans", 3},
                                     {"terminal_moe_layers", {15, 23, 15}},
                                     {"distinct_terminal_moe_layers", 2},
                                     {"verdict", "PASS"}}));
  EXPECT_EQ(track(scans, 3)["summary"]["verdict"], "FAIL");
}

TEST(TerminalTracking, PassesOnlyIfEveryScanDoes) {
  EXPECT_EQ(tracked({scan_of("a", 15, "PASS"), scan_of("b", 15, "PASS")}), "FAIL");
  EXPECT_EQ(tracked({scan_of("a", 15, "PASS"), scan_of("b", 23, "FAIL")}), "FAIL");
  EXPECT_EQ(tracked({scan_of("a", 15, "FAIL"), scan_of("b", 23, "DEGENERATE")}), "DEGENERATE");
  const Json small = artifact_of("b", 23, "PASS", 199);
  EXPECT_EQ(tracked({scan_of("a", 15, "PASS"), small}), "INSUFFICIENT");
  EXPECT_EQ(tracked({scan_of("a", 15, "DEGENERATE"), small}), "INSUFFICIENT");
}

TEST(TerminalTracking, RefusesTwoScansOfOneModel) {
  Json copy = scan_of("a", 15, "PASS");
  copy["model"]["ckpt"] = "b";
  const auto refused = caught([&] { tracked({scan_of("a", 15, "PASS"), copy}); });
  EXPECT_EQ(refused.id, ErrorId::RT011);
  EXPECT_TRUE(refused.says("the same weights in a and b")) << refused.line;
}

Json chart_of(const std::string& verdict, const std::vector<int>& layers,
              const std::vector<int>& required) {
  Json chart = scan_of("a", 15, verdict);
  chart["layers"] = layers;
  chart["verification"] = {{"required_layers", required}};
  for (const int layer : layers) {
    chart["summary"]["per_layer"][std::to_string(layer)]["failure_type"] =
        layer == 15 ? "C2_only" : "neither";
  }
  return chart;
}

Json compatibility(const std::string& chart, const std::string& scan) {
  return bundle_compatibility(chart_of(chart, {3, 11, 15}, {15}), scan_of("a", 15, scan))
      .fields["summary"];
}

TEST(TerminalCompatibility, JudgesTheChartOnlyWhereTheScanPasses) {
  EXPECT_EQ(compatibility("PASS", "PASS")["compatibility"], "safe");
  EXPECT_EQ(compatibility("FAIL", "PASS")["compatibility"], "unsafe");
  EXPECT_EQ(compatibility("PASS", "FAIL")["compatibility"], "not applicable");
  EXPECT_EQ(compatibility("FAIL", "FAIL")["compatibility"], "not applicable");
  EXPECT_EQ(compatibility("FAIL", "PASS")["chart_verdict"], "FAIL");
  EXPECT_EQ(compatibility("FAIL", "PASS")["scan_verdict"], "PASS");
}

TEST(TerminalCompatibility, WithoutBothVerdictsThereIsNone) {
  const Json chart = chart_of("DEGENERATE", {15}, {15}), scan = scan_of("a", 15, "FAIL");
  const Json fields = bundle_compatibility(chart, scan).fields;
  EXPECT_EQ(fields["chart"], chart);
  EXPECT_EQ(fields["scan"], scan);
  EXPECT_EQ(fields["summary"]["chart_verdict"], "DEGENERATE");
  EXPECT_EQ(fields["summary"]["compatibility"], nullptr);
  EXPECT_TRUE(fields["null_reasons"].contains("summary.compatibility"));
}

TEST(TerminalCompatibility, ListsTheFailureTypesByLayerSet) {
  const Json sets = compatibility("PASS", "PASS")["layer_sets"];
  EXPECT_EQ(sets["terminal"],
            Json::parse(R"({"layers": [15], "failure_type": {"15": "C2_only"}})"));
  EXPECT_EQ(sets["transition"], Json::parse(R"({"layers": [11, 15],
                                     "failure_type": {"11": "neither", "15": "C2_only"}})"));
  EXPECT_EQ(sets["full"]["layers"], Json({3, 11, 15}));
  EXPECT_EQ(sets["full"]["failure_type"].size(), 3);
  const Json alone = bundle_compatibility(chart_of("PASS", {15}, {15}), scan_of("a", 15, "PASS"))
                         .fields["summary"]["layer_sets"]["transition"];
  EXPECT_EQ(alone["layers"], Json::array({15}));
}

TEST(TerminalCompatibility, RefusesAChartThatDoesntJudgeTheTerminalLayer) {
  const auto refused = caught([&] {
    bundle_compatibility(chart_of("PASS", {3, 11, 15}, {3, 11}), scan_of("a", 15, "PASS"));
  });
  EXPECT_EQ(refused.id, ErrorId::RT011);
  EXPECT_TRUE(refused.says("layers 3, 11")) << refused.line;
  EXPECT_TRUE(refused.says("l*=15")) << refused.line;
}

TEST(TerminalCompatibility, RefusesArtifactsOfDifferentRunsAsABug) {
  const Json chart = chart_of("PASS", {15}, {15});
  for (const char* const member : {"domain", "data", "tensors", "model"}) {
    Json other = scan_of("a", 15, "PASS");
    other[member] = "other";
    EXPECT_EQ(caught([&] { bundle_compatibility(chart, other); }).id, ErrorId::RT070) << member;
  }
}

// What the experiments really write has every member that a bundle reads.
TEST(TerminalCompatibility, BundlesWhatTheExperimentsWrite) {
  const FakeModel model({}, softmax_spec(8, 2), {});
  const auto measured = [&](const std::string& test) {
    Json artifact = artifact_of("a", 3, "", 24);
    artifact.erase("summary");
    artifact.update(measure(model, model.setting(), test, {}).fields);
    return artifact;
  };
  const Json chart = measured("chart_compatibility"), scan = measured("terminal_ovk_scan");
  const Json summary = bundle_compatibility(chart, scan).fields["summary"];
  EXPECT_EQ(summary["chart_verdict"], "INSUFFICIENT");
  EXPECT_EQ(summary["layer_sets"]["transition"]["layers"], Json({2, 3}));
  Json enough = scan;
  enough["data"]["n_windows"] = 200;
  enough["tensors"] = Json::array({{{"sha256", "of another"}}});
  const Json* const scans[] = {&scan, &enough};
  EXPECT_EQ(bundle_terminal_scans(scans, 1).fields["summary"]["verdict"], "INSUFFICIENT");
}

}  // namespace
}  // namespace rg::experiments::testing
