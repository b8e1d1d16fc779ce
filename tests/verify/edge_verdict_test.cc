// Verdicts of boundary_amplification and behavior_compression, and the sentences with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "verify/edge_artifacts.h"

namespace rg::verify::testing {
namespace {

// The simulated tokens of layer 3 changed by `change`, the others as they are.
MeasuredLayer layer_3(const std::function<void(Token&)>& change, const Shape& shape = {}) {
  return [change, shape](int layer) {
    Draws draws(25 + static_cast<uint64_t>(layer));
    std::vector<Tokens> windows = simulated_layer(draws, shape, layer);
    if (layer != 3) return windows;
    for (Tokens& window : windows) {
      for (Token& token : window) change(token);
    }
    return windows;
  };
}

Json amplification(const std::function<void(Token&)>& change) {
  return boundary_amplification_of({}, layer_3(change));
}
Json control(const std::function<void(Token&)>& change) {
  return behavior_compression_of({}, layer_3(change));
}

bool warns_of(const Judgement& judgement, const std::string& text) {
  return std::any_of(judgement.warnings.begin(), judgement.warnings.end(),
                     [&](const std::string& w) { return w.find(text) != std::string::npos; });
}

const Json& summary_of(const Json& artifact, const char* layer) {
  return artifact["summary"]["per_layer"][layer];
}

// Five margins, each of a fifth of the tokens.
void tie(Token& token) { token.margin = std::floor(token.margin * 5) / 5; }

// What the published contract holds and nothing beyond it.
Json published_edge(Json a) {
  for (const char* ours : {"body_sha256", "numeric_profile", "null_reasons", "settings", "inputs",
                           "tensors", "notes", "program_version", "other", "model"}) {
    a.erase(ours);
  }
  a["gate_semantics"] = {{"topk", a["gate_semantics"]["topk"]}, {"scores_dtype", "fp32"}};
  if (a.contains("y_ref_A")) {
    for (Json& layer : a["y_ref_A"]["per_layer"]) {
      layer = {{"compression", layer["compression"]},
               {"compression_F_per_window", layer["compression_F_per_window"]},
               {"compression_F_minus_q_ci95", layer["compression_F_minus_q_ci95"]},
               {"deciles", layer["deciles"]}};
    }
    a["summary"] = {{"bootstrap", a["summary"]["bootstrap"]}};
  } else {
    for (const char* ours : {"n_undefined", "mass_beh", "mass_beh_le"}) a["per_window"].erase(ours);
    a["summary"] = {{"bootstrap", a["summary"]["bootstrap"]},
                    {"F_route_by_layer", a["summary"]["F_route_by_layer"]},
                    {"F_beh_by_layer", a["summary"]["F_beh_by_layer"]}};
  }
  return a;
}

TEST(Amplification, Passes) {
  const Json artifact = make_boundary_amplification({});
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::pass);
  EXPECT_EQ(judgement.model, "synthetic->synthetic-tuned on the inputs of synthetic");
  EXPECT_EQ(judgement.sentence,
            "On the inputs of synthetic, at all 3 layers, the tokens nearest a routing boundary "
            "hold 1.99 to 2.03 times the disagreement between the two gates that an even spread "
            "would give, and disagreement never rises from one margin decile to the next.");
  EXPECT_EQ(artifact["summary"]["verdict_published"], "PASS");
  EXPECT_EQ(judgement.beside.at(0).verdict, "PASS");
  // The smallest p of 200 replicates is 1/201, here at all three layers.
  EXPECT_EQ(artifact["summary"]["holm_p"]["3"], 3 / 201.0);
  EXPECT_EQ(summary_of(artifact, "1")["windows_without_disagreement"], 1);
  ASSERT_EQ(judgement.criteria.size(), 6u);
  EXPECT_NEAR(*judgement.criteria[2].z, summary_of(artifact, "3")["a_joint"]["statistic"], 1e-9);
  EXPECT_EQ(judgement.effect->name, "decile_rise");
}

TEST(Amplification, FailsWhereDisagreementIsSpreadEvenly) {
  const Json artifact = amplification([](Token& token) { token.disagreement = 1; });
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(summary_of(artifact, "3")["a"]["holds"], false);
  EXPECT_EQ(summary_of(artifact, "3")["b"]["holds"], true);
  EXPECT_EQ(summary_of(artifact, "3")["effect"]["ratio"], 1);
  EXPECT_EQ(judgement.sentence,
            "Not shown on the inputs of synthetic: that the two gates disagree more near a routing "
            "boundary than an even spread would give (fails at 1 of 3 layers).");
}

TEST(Amplification, FailsWhereDisagreementRisesAgain) {
  const Json artifact = amplification([](Token& token) {
    if (token.margin >= 0.9) token.disagreement = 1;
  });
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(summary_of(artifact, "3")["a"]["holds"], true);
  EXPECT_EQ(summary_of(artifact, "3")["b"]["holds"], false);
  EXPECT_GT(summary_of(artifact, "3")["b_violation"]["ci95"][0], 0.3);
  EXPECT_TRUE(judgement.sentence.ends_with(
      "but disagreement rises from one margin decile to the next at layer 3 (by up to 0.43 per "
      "choice)."))
      << judgement.sentence;
}

TEST(Amplification, SaysWhereBothFail) {
  const Judgement judgement =
      judge(amplification([](Token& token) { token.disagreement = token.margin >= 0.9 ? 2 : 0; }));
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_NE(judgement.sentence.find("(fails at 1 of 3 layers); also disagreement rises"),
            std::string::npos)
      << judgement.sentence;
}

TEST(Amplification, HasNoAnswerInThreeCases) {
  const std::pair<Json, std::string> cases[] = {
      {amplification([](Token& token) { token.disagreement = 0; }), "no disagreement"},
      {amplification([](Token& token) { token.margin = 0.5; }), "equal margins"},
      {amplification([](Token& token) { token.margin = token.margin < 0.5 ? 0.1 : 0.9; }),
       "fewer than 3 deciles"}};
  for (const auto& [artifact, reason] : cases) {
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.verdict, Verdict::degenerate) << reason << ": " << judgement.sentence;
    EXPECT_EQ(summary_of(artifact, "3")["degenerate"], reason);
    EXPECT_EQ(judgement.reasons.at(0).text, reason);
    EXPECT_TRUE(judgement.sentence.starts_with("At layer 3 ")) << judgement.sentence;
    Json elsewhere = artifact;
    elsewhere["verification"]["required_layers"] = {1, 5};
    complete(elsewhere);
    EXPECT_EQ(judge(elsewhere).verdict, Verdict::pass) << reason;
  }
}

TEST(Amplification, TiesCountForTheBaseline) {
  // Every token differs by one expert: the strata hold what an even spread gives, and more than
  // the quantile says.
  const Json artifact = amplification([](Token& token) {
    tie(token);
    token.disagreement = 1;
  });
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::fail);
  EXPECT_EQ(artifact["summary"]["verdict_published"], "PASS");
  EXPECT_EQ(judgement.beside.at(0).verdict, "PASS");
  EXPECT_EQ(summary_of(artifact, "3")["F"]["q01"]["tie_aware"]["delta"], 0);
  EXPECT_GT(summary_of(artifact, "3")["F"]["q01"]["published"]["delta"], 0.1);
  // Without any variation the joint test has no statistic, and Holm's p stays undefined.
  EXPECT_TRUE(summary_of(artifact, "3")["a_joint"]["p"].is_null());
  EXPECT_TRUE(artifact["summary"]["holm_p"]["3"].is_null());
  EXPECT_EQ(artifact["summary"]["holm_p"]["1"], 3 / 201.0);
}

TEST(Amplification, NeedsWindows) {
  EXPECT_EQ(judge(make_boundary_amplification({.windows = 199})).verdict, Verdict::insufficient);
  EXPECT_EQ(judge(make_behavior_compression({.replicates = 199})).verdict, Verdict::insufficient);
}

TEST(Amplification, AWindowWithoutMarginsIsLeftOut) {
  const auto without = [](int from_layer) {
    return [from_layer](int layer) {
      Draws draws(25 + static_cast<uint64_t>(layer));
      std::vector<Tokens> windows = simulated_layer(draws, {}, layer);
      if (layer == 5) std::fill(windows.begin() + from_layer, windows.end(), Tokens());
      return windows;
    };
  };
  Json artifact = boundary_amplification_of({}, without(190));
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass) << judge(artifact).sentence;
  EXPECT_TRUE(warns_of(judge(artifact), "no finite margin: 5 % at layer 5"));
  EXPECT_EQ(judge(behavior_compression_of({}, without(190))).rule, "full");
  EXPECT_NE(judge(behavior_compression_of({}, without(190))).verdict, Verdict::invalid);
  Json none = boundary_amplification_of({}, without(0));
  EXPECT_EQ(judge(none).verdict, Verdict::invalid);
  EXPECT_EQ(judge(none).reasons.at(0).check, "layer_defined");
  none["verification"]["required_layers"] = {1, 3};
  complete(none);
  EXPECT_EQ(judge(none).verdict, Verdict::pass) << judge(none).sentence;
  EXPECT_EQ(summary_of(none, "5")["degenerate"], "no disagreement");
  EXPECT_TRUE(summary_of(none, "5")["effect"]["q"].is_null());
}

TEST(Amplification, TheVerifiersLayersLeaveTheArtifactsClaimsAlone) {
  const Json artifact = amplification([](Token& token) { token.disagreement = 1; });
  Options options = quick_options();
  options.required_layers = {1, 5};
  const Judgement judgement = judge_text(text_of(artifact), "a", options);
  EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
}

TEST(Amplification, ConvergenceIsRecomputedFromTheWindowsOfASubset) {
  Options options = quick_options();
  options.recompute_convergence = true;
  Json artifact = make_boundary_amplification({.seq_len = 257});
  EXPECT_EQ(judge_text(text_of(artifact), "a", options).verdict, Verdict::pass);
  at(artifact, "summary.convergence.grid.4.agreement") = 0.99;
  seal(artifact);
  EXPECT_EQ(judge_text(text_of(artifact), "a", options).verdict, Verdict::invalid);
}

TEST(Control, Holds) {
  const Json artifact = make_behavior_compression({});
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::holds);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(judgement.sentence,
            "At all 3 layers the tokens nearest a routing boundary hold no more of the change in "
            "the next token's probability than an even spread would give, as far as the intervals "
            "tell: up to 1.08 times is not excluded.");
  EXPECT_NE(judgement.notes.at(0).find("taken as stated: F_route"), std::string::npos);
  EXPECT_FALSE(judgement.convergence);  // nothing to repeat
  EXPECT_TRUE(artifact["summary"]["convergence"]["z"].is_null());
}

TEST(Control, BreaksWhereOutputChangesNearTheBoundary) {
  const Json artifact = control([](Token& token) { token.change *= 2 - token.margin; });
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::broken);
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_EQ(summary_of(artifact, "3")["holds"], false);
  EXPECT_EQ(summary_of(artifact, "1")["holds"], true);
  EXPECT_TRUE(judgement.sentence.starts_with("The control fails at layer 3: "))
      << judgement.sentence;
  EXPECT_EQ(judgement.effect->layer, 3);
}

TEST(Control, HasNoAnswerWithoutChange) {
  const Json artifact = control([](Token& token) { token.change = 0; });
  EXPECT_EQ(judge(artifact).verdict, Verdict::degenerate);
  EXPECT_EQ(summary_of(artifact, "3")["degenerate"], "no change");
  EXPECT_EQ(summary_of(artifact, "3")["windows_without_change"], 200);
}

TEST(Control, TiesCountForTheBaseline) {
  const Json artifact = control([](Token& token) {
    tie(token);
    token.change = 1;
  });
  EXPECT_EQ(summary_of(artifact, "3")["holds"], true);
  EXPECT_EQ(summary_of(artifact, "3")["holds_published"], false);
  EXPECT_EQ(summary_of(artifact, "3")["ratio_upper"], 1);
  EXPECT_EQ(artifact["summary"]["verdict_published"], "BROKEN");
}

TEST(PublishedEdge, IsJudgedByThePublishedRule) {
  const Judgement pass = judge(published_edge(make_boundary_amplification({})));
  EXPECT_EQ(pass.verdict, Verdict::pass) << pass.sentence;
  EXPECT_EQ(pass.rule, "published");
  EXPECT_TRUE(pass.warnings.empty()) << pass.warnings.front();
  const auto tied = [](Token& token) {
    tie(token);
    token.disagreement = 1;
    token.change = 1;
  };
  EXPECT_EQ(judge(published_edge(amplification(tied))).verdict, Verdict::pass);
  EXPECT_EQ(judge(published_edge(control(tied))).verdict, Verdict::broken);
  const Judgement none =
      judge(published_edge(amplification([](Token& token) { token.disagreement = 0; })));
  EXPECT_EQ(none.verdict, Verdict::degenerate) << none.sentence;
  const Judgement same = judge(published_edge(control([](Token& token) { token.change = 0; })));
  EXPECT_EQ(same.verdict, Verdict::degenerate) << same.sentence;
  const Judgement rises = judge(published_edge(amplification([](Token& token) {
    if (token.margin >= 0.9) token.disagreement = 1;
  })));
  EXPECT_EQ(rises.verdict, Verdict::fail);
  EXPECT_NE(rises.sentence.find("but disagreement rises"), std::string::npos) << rises.sentence;
}

TEST(PublishedEdge, MayMeanEitherIntervalByItsName) {
  Json artifact = published_edge(make_boundary_amplification({}));
  Json& ends = at(artifact, "y_ref_A.per_layer.3.compression_F_minus_q_ci95.q01");
  // 63 tokens: q_eff is 1/63, q is 1/100.
  for (Json& end : ends) end = end.get<double>() + 1 / 63.0 - 0.01;
  EXPECT_TRUE(judge(artifact).warnings.empty());
  for (Json& end : ends) end = end.get<double>() + 0.01;
  EXPECT_TRUE(warns_of(judge(artifact), "beyond Monte-Carlo error"));
}

TEST(PublishedEdge, WhoseIntervalsSayOtherwiseIsFragile) {
  Json artifact = published_edge(make_boundary_amplification({}));
  EXPECT_FALSE(judge(artifact).stability->fragile);
  for (Json& ends : at(artifact, "y_ref_A.per_layer.3.compression_F_minus_q_ci95")) {
    ends = {-0.01, 0.01};
  }
  EXPECT_EQ(judge(artifact).verdict, Verdict::pass);
  EXPECT_TRUE(judge(artifact).stability->fragile);
}

TEST(Edge, BothDirectionsAndAFamilyAreRead) {
  Json artifact = make_boundary_amplification({});
  artifact["edge"]["direction"] = "BtoA";
  std::swap(artifact["y_ref_A"], artifact["y_ref_B"]);
  std::swap(artifact["model"]["ckpt"], artifact["other"]["ckpt"]);
  artifact["family"] = {{"family_name", "synthetic"}, {"sha256", std::string(64, 'a')}};
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::pass) << judgement.sentence;
  EXPECT_TRUE(judgement.warnings.empty()) << judgement.warnings.front();
  EXPECT_TRUE(judgement.sentence.starts_with("On the inputs of synthetic-tuned, "));
  Json scan = make_terminal_ovk_scan({});
  scan["family"] = artifact["family"];
  seal(scan);
  EXPECT_EQ(judge(scan).verdict, Verdict::pass);
  EXPECT_TRUE(judge(scan).warnings.empty());
}

}  // namespace
}  // namespace rg::verify::testing
