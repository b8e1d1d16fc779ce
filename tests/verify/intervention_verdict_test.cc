// What is said of a run with an intervention, and what follows from its list.
#include <gtest/gtest.h>

#include "verify/intervention_artifacts.h"

namespace rg::verify::testing {
namespace {

Judgement judge_completed(Json& artifact) {
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::reported) << judgement.sentence;
  EXPECT_TRUE(judgement.warnings.empty()) << judgement.warnings.front();
  return judgement;
}

// Its arrays with nothing changed at layers below `first`.
void keep_below(Json& artifact, int first) {
  for (const char* name : {"mass", "changed"}) {
    for (auto& [key, counts] : artifact["per_window"][name].items()) {
      if (std::stoi(key) < first) counts = Json(counts.size(), 0);
    }
  }
}

TEST(InterventionVerdict, ReportsWhatChanged) {
  const Json artifact = make_intervention({});
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::reported);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(artifact["summary"]["outcome"], "CHANGED");
  ASSERT_TRUE(judgement.effect);
  EXPECT_EQ(judgement.effect->name, "loss_delta");
  EXPECT_EQ(judgement.effect->estimate, artifact["summary"]["loss_delta"]["mean"].get<double>());
  EXPECT_FALSE(judgement.stability);
  ASSERT_EQ(judgement.beside.size(), 1u);
  EXPECT_EQ(judgement.beside[0].verdict, "CHANGED");
  EXPECT_EQ(judgement.sentence,
            "With 2 experts masked at layer 3, 1 forced at layer 3 and 1 scaled at layer 5, the "
            "loss changes by +0.108 nats per token, and the next-token distribution diverges "
            "from the plain run's by 0.0475 nats. 87.2 % of the tokens keep their most probable "
            "next token, and later layers 87.5 % of their choices.");
}

TEST(InterventionVerdict, RatesAreRatiosOfSums) {
  const Json artifact = make_intervention({});
  const Json& p = artifact["per_window"];
  const double n = 200, t = 63, k = 2;
  double mass = 0, changed = 0, equal = 0;
  for (size_t w = 0; w < 200; ++w) {
    mass += p["mass"]["5"][w].get<double>();
    changed += p["changed"]["5"][w].get<double>();
    equal += p["top1_equal"][w].get<double>();
  }
  const Json& summary = artifact["summary"];
  EXPECT_NEAR(summary["top1"]["rate"].get<double>(), equal / (n * t), 1e-15);
  const Json& layer = summary["per_layer"]["5"];
  EXPECT_NEAR(layer["overlap"]["rate"].get<double>(), 1 - mass / (k * n * t), 1e-15);
  EXPECT_NEAR(layer["changed"]["rate"].get<double>(), changed / (n * t), 1e-15);
  EXPECT_EQ(summary["downstream"], layer);  // the only layer above layer 3
  EXPECT_EQ(summary["per_layer"]["1"]["overlap"], (Json{{"rate", 1.0}, {"ci95", {1.0, 1.0}}}));
}

TEST(InterventionVerdict, LaterLayersAreCountedTogether) {
  Json artifact = make_intervention({});
  set_intervention(artifact, Json::array({expert_row(1, 0, "mask")}));
  judge_completed(artifact);
  const Json& summary = artifact["summary"];
  for (const char* name : {"overlap", "changed"}) {
    const double third = summary["per_layer"]["3"][name]["rate"].get<double>();
    const double fifth = summary["per_layer"]["5"][name]["rate"].get<double>();
    EXPECT_NEAR(summary["downstream"][name]["rate"].get<double>(), (third + fifth) / 2, 1e-12);
  }
}

TEST(InterventionVerdict, CountsLayersWithImposedRoutes) {
  const std::string digest(64, 'a');
  Json artifact = make_intervention({});
  set_intervention(artifact, {expert_row(3, 2, {{"scale", 2}}), imposed_row(3, nullptr),
                              imposed_row(5, digest)});
  const std::string sentence = judge_completed(artifact).sentence;
  const std::string both =
      "With 1 expert scaled at layer 3 and routes imposed at 2 layers, the loss ";
  EXPECT_TRUE(sentence.starts_with(both)) << sentence;
  EXPECT_EQ(artifact["summary"]["downstream"], artifact["summary"]["per_layer"]["5"]);
  set_intervention(artifact, Json::array({imposed_row(3, digest)}));
  EXPECT_TRUE(
      judge_completed(artifact).sentence.starts_with("With routes imposed at 1 layer, the "));
  change_nothing(artifact);
  judge_completed(artifact);
  EXPECT_EQ(artifact["summary"]["outcome"], "UNCHANGED");
}

TEST(InterventionVerdict, OfTheLastLayerHasNoLaterOnes) {
  Json artifact = make_intervention({});
  keep_below(artifact, 5);
  set_intervention(artifact, Json::array({expert_row(5, 4, "mask")}));
  const Judgement judgement = judge_completed(artifact);
  EXPECT_TRUE(artifact["summary"]["downstream"].is_null());
  EXPECT_EQ(judgement.sentence,
            "With 1 expert masked at layer 5, the loss changes by +0.108 nats per token, and the "
            "next-token distribution diverges from the plain run's by 0.0475 nats. 87.2 % of the "
            "tokens keep their most probable next token.");
}

TEST(InterventionVerdict, OfALayerThatWasNotMeasuredIsOne) {
  Json artifact = make_intervention({});
  keep_below(artifact, 5);
  artifact["model"]["moe_layers"] = {1, 3, 4, 5};
  set_intervention(artifact, Json::array({expert_row(4, 4, "force")}));
  judge_completed(artifact);
  EXPECT_EQ(artifact["summary"]["downstream"], artifact["summary"]["per_layer"]["5"]);
}

TEST(InterventionVerdict, AnEmptyListChangesNothing) {
  Json artifact = make_intervention({});
  change_nothing(artifact);
  set_intervention(artifact, Json::array());
  const Judgement judgement = judge_completed(artifact);
  EXPECT_EQ(artifact["summary"]["outcome"], "UNCHANGED");
  EXPECT_TRUE(artifact["summary"]["downstream"].is_null());
  EXPECT_EQ(judgement.sentence,
            "With no expert masked, forced or scaled, nothing changes: losses, next-token "
            "distributions and routes are those of the plain run.");
}

TEST(InterventionVerdict, AListMayChangeNothing) {
  Json artifact = make_intervention({});
  change_nothing(artifact);
  const Judgement judgement = judge_completed(artifact);
  EXPECT_EQ(artifact["summary"]["outcome"], "UNCHANGED");
  EXPECT_EQ(artifact["summary"]["downstream"]["overlap"]["rate"], 1.0);
  EXPECT_EQ(judgement.sentence,
            "With 2 experts masked at layer 3, 1 forced at layer 3 and 1 scaled at layer 5, "
            "nothing changes: losses, next-token distributions and routes are those of the plain "
            "run.");
}

TEST(InterventionVerdict, AnythingElseIsAChange) {
  for (const char* changed :
       {"per_window.kl.9", "per_window.loss.9", "per_window.top1_equal.9", "per_window.mass.5.9"}) {
    Json artifact = make_intervention({});
    change_nothing(artifact);
    at(artifact, changed) = 2;
    at(artifact, "per_window.changed.5.9") = at(artifact, "per_window.mass.5.9").get<int>() / 2;
    judge_completed(artifact);
    EXPECT_EQ(artifact["summary"]["outcome"], "CHANGED") << changed;
  }
}

TEST(InterventionVerdict, NeedsNoTwoHundredWindows) {
  EXPECT_EQ(
      judge(make_intervention({.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4}))
          .verdict,
      Verdict::reported);
}

}  // namespace
}  // namespace rg::verify::testing
