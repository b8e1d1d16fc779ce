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
          {"summary",
           {{"terminal_jump",
             {{"pair", "3->" + std::to_string(terminal)},
              {"delta_mean", -0.2},
              {"ci95", {-0.25, -0.15}}}},
            {"convergence",
             {{"verdict", verdict},
              {"settled_at", 71},
              {"settled", true},
              {"z", 5.0},
              {"replication", 0.99},
              {"n_for_90", 85}}}}}};
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
  EXPECT_EQ(
      fields["summary"],
      Json({{"n_scans", 3},
            {"terminal_moe_layers", {15, 23, 15}},
            {"distinct_terminal_moe_layers", 2},
            {"effect",
             {{"ckpt", "a"}, {"pair", "3->15"}, {"delta_mean", -0.2}, {"ci95", {-0.25, -0.15}}}},
            {"convergence",
             {{"settled_at", 71},
              {"settled", true},
              {"z", 5.0},
              {"replication", 0.99},
              {"n_for_90", 85}}},
            {"verdict", "PASS"}}));
  EXPECT_FALSE(fields.contains("null_reasons"));
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

// The artifact with another block of convergence.
Json with(Json artifact, const Json& settled_at, bool settled, const Json& z,
          const Json& replication, const Json& n_for_90) {
  artifact["summary"]["convergence"].update({{"settled_at", settled_at},
                                             {"settled", settled},
                                             {"z", z},
                                             {"replication", replication},
                                             {"n_for_90", n_for_90}});
  return artifact;
}

TEST(TerminalTracking, TheLeastCertainScanSaysHowLikelyARepetitionIs) {
  const Json sure = scan_of("a", 15, "PASS");
  const Json late = with(scan_of("b", 23, "PASS"), 200, false, 6.0, 0.999, 60);
  const Json near = with(scan_of("c", 31, "PASS"), 50, true, 2.5, 0.7, 340);
  EXPECT_EQ(track({sure, late, near}, 2)["summary"]["convergence"], Json({{"settled_at", 200},
                                                                          {"settled", false},
                                                                          {"z", 2.5},
                                                                          {"replication", 0.7},
                                                                          {"n_for_90", 340}}));
  const Json failing = with(scan_of("d", 31, "FAIL"), nullptr, false, -1.5, 0.0003, nullptr);
  const Json against = track({sure, failing, near}, 2);
  EXPECT_EQ(against["summary"]["convergence"], Json({{"settled_at", nullptr},
                                                     {"settled", false},
                                                     {"z", -1.5},
                                                     {"replication", 0.0003},
                                                     {"n_for_90", nullptr}}));
  EXPECT_TRUE(against["null_reasons"].contains("summary.convergence"));
  const Json unknown = with(scan_of("e", 7, "PASS"), 50, true, nullptr, nullptr, nullptr);
  EXPECT_EQ(track({failing, unknown}, 2)["summary"]["convergence"]["z"], nullptr);
}

TEST(TerminalTracking, TheWeakestJumpIsTheEffect) {
  const auto jumping = [](const std::string& ckpt, const Json& delta, const Json& ci95) {
    Json scan = scan_of(ckpt, 15, "PASS");
    scan["summary"]["terminal_jump"].update({{"delta_mean", delta}, {"ci95", ci95}});
    return scan;
  };
  const Json strong = jumping("a", -0.5, {-0.6, -0.4}), weak = jumping("b", -0.1, {-0.2, -0.01});
  const Json rise = jumping("c", 0.3, {0.2, 0.4}), none = jumping("d", nullptr, nullptr);
  const auto effect = [](const std::vector<Json>& scans) {
    return track(scans, 2)["summary"]["effect"];
  };
  EXPECT_EQ(
      effect({strong, weak}),
      Json({{"ckpt", "b"}, {"pair", "3->15"}, {"delta_mean", -0.1}, {"ci95", {-0.2, -0.01}}}));
  EXPECT_EQ(effect({strong, rise, weak})["ckpt"], "c");
  EXPECT_EQ(effect({rise, none, strong})["ckpt"], "d");
  EXPECT_TRUE(track({strong, none}, 2)["null_reasons"].contains("summary.effect"));
  EXPECT_EQ(effect({jumping("e", -0.1, {-0.3, 0.0}), weak})["ckpt"], "e");  // the first on a tie
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
    chart["summary"]["per_layer"][std::to_string(layer)] = {
        {"kappa_hidden", {{"delta", -0.01 * layer}, {"ci95", {-0.5, -0.001}}}},
        {"random_e2_delta_hidden_boundary",
         {{"delta", layer == 11 ? 0.02 : -0.3}, {"ci95", {-0.4, 0.1}}}},
        {"failure_type", layer == 15 ? "C2_only" : "neither"}};
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

TEST(TerminalCompatibility, TheLessCertainPartDecides) {
  const Json chart = with(chart_of("PASS", {3, 11, 15}, {3, 15}), 100, true, 3.0, 0.85, 234);
  const Json scan = with(scan_of("a", 15, "PASS"), 50, true, 4.0, 0.98, 132);
  const auto summary = [](const Json& c, const Json& s) {
    return bundle_compatibility(c, s).fields["summary"];
  };
  const Json by_chart = summary(chart, scan);
  EXPECT_EQ(by_chart["convergence"], Json({{"settled_at", 100},
                                           {"settled", true},
                                           {"z", 3.0},
                                           {"replication", 0.85},
                                           {"n_for_90", 234}}));
  EXPECT_EQ(by_chart["effect"], Json({{"part", "chart"},
                                      {"name", "c1"},
                                      {"layer", 3},
                                      {"delta", -0.01 * 3},
                                      {"ci95", {-0.5, -0.001}}}));
  const Json wider = with(chart_of("PASS", {3, 11, 15}, {3, 11, 15}), 100, true, 3.0, 0.85, 234);
  EXPECT_EQ(summary(wider, scan)["effect"]["name"], "c2");
  EXPECT_EQ(summary(wider, scan)["effect"]["layer"], 11);
  const Json nearer = with(scan, 50, true, 2.0, 0.5, 526);
  EXPECT_EQ(summary(chart, nearer)["convergence"]["n_for_90"], 526);
  EXPECT_EQ(summary(chart, nearer)["convergence"]["settled_at"], 100);
  EXPECT_EQ(summary(chart, nearer)["effect"], Json({{"part", "scan"},
                                                    {"name", "terminal_jump"},
                                                    {"layer", 15},
                                                    {"delta", -0.2},
                                                    {"ci95", {-0.25, -0.15}}}));
}

TEST(TerminalCompatibility, TheScanAloneDecidesWhereItFails) {
  const Json chart = with(chart_of("FAIL", {15}, {15}), nullptr, false, -3.0, 0.0, nullptr);
  const Json scan = with(scan_of("a", 15, "FAIL"), 50, true, 0.5, 0.07, 8400);
  const Json summary = bundle_compatibility(chart, scan).fields["summary"];
  EXPECT_EQ(summary["compatibility"], "not applicable");
  EXPECT_EQ(summary["effect"]["part"], "scan");
  EXPECT_EQ(summary["convergence"], Json({{"settled_at", 50},
                                          {"settled", true},
                                          {"z", 0.5},
                                          {"replication", 0.07},
                                          {"n_for_90", 8400}}));
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
