// theorem_slack: which theorems apply, what a verdict says, and what the summary adds up.
#include <gtest/gtest.h>

#include <cmath>

#include "verify/theorem_slack.h"
#include "verify/theorem_slack_artifacts.h"

namespace rg::verify::testing {
namespace {

const Json& slack_made(const std::string& test) {
  static std::map<std::string, Json> made;
  if (!made.contains(test)) made[test] = make(test, {});
  return made[test];
}

TEST(TheoremSlack, HoldsWhereNoCaseExceedsItsBound) {
  const Json& artifact = slack_made("theorem_slack");
  const Judgement judgement = judge(artifact);
  ASSERT_EQ(judgement.verdict, Verdict::holds) << judgement.sentence;
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_TRUE(judgement.warnings.empty());
  EXPECT_TRUE(judgement.sentence.starts_with("None of the "));
  EXPECT_NE(judgement.sentence.find(" cases of 48 theorems at layers 1, 3, 5 exceeds what the "
                                    "theorem allows. Of the inequalities, "),
            std::string::npos)
      << judgement.sentence;
  EXPECT_EQ(judgement.effect->estimate, 0);
  EXPECT_EQ(judgement.criteria.size(), 48u);
  EXPECT_FALSE(judgement.stability);
  EXPECT_EQ(artifact["summary"]["verdict"]["outcome"], "HOLDS");
  EXPECT_EQ(artifact["summary"]["verdict"]["broken"], Json::array());
}

TEST(TheoremSlack, FewWindowsSuffice) {
  const Shape small{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4};
  EXPECT_EQ(judge(make("theorem_slack", small)).verdict, Verdict::holds);
}

TEST(TheoremSlack, BrokenByOneCase) {
  const Json& artifact = slack_made("theorem_slack_broken");
  const Judgement judgement = judge(artifact);
  ASSERT_EQ(judgement.verdict, Verdict::broken) << judgement.sentence;
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_TRUE(judgement.sentence.starts_with("2 of "));
  EXPECT_TRUE(judgement.sentence.ends_with(
      "exceed what a theorem allows, rounding included (AD-3, RG-9). No data can break a theorem: "
      "its statement, its check or the program is wrong."))
      << judgement.sentence;
  EXPECT_EQ(judgement.effect->estimate, 2);
  const Json& summary = artifact["summary"];
  EXPECT_EQ(summary["verdict"]["broken"], Json::array({"AD-3", "RG-9"}));
  EXPECT_EQ(summary["per_layer"]["3"]["broken"], Json::array({"AD-3"}));
  EXPECT_EQ(summary["per_layer"]["5"]["broken"], Json::array({"RG-9"}));
  EXPECT_EQ(summary["per_layer"]["1"]["violated"], 0);
  EXPECT_TRUE(artifact["cases"]["3"]["AD-3"][0]["tightest"]["value"].is_null());
}

TEST(TheoremSlack, DegenerateWithoutCases) {
  const Judgement judgement = judge(slack_made("theorem_slack_empty"));
  ASSERT_EQ(judgement.verdict, Verdict::degenerate) << judgement.sentence;
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_EQ(judgement.sentence,
            "At layers 1, 3, 5 no theorem has a case: there are neither keys nor logits to check.");
  EXPECT_TRUE(judgement.criteria.empty());
}

TEST(TheoremSlack, ZeroKeysAreSkipped) {
  const Json& artifact = slack_made("theorem_slack_zero_keys");
  EXPECT_EQ(judge(artifact).verdict, Verdict::holds);
  EXPECT_EQ(artifact["summary"]["per_theorem"]["JF-1"]["skipped"], 4);
  EXPECT_EQ(artifact["summary"]["per_theorem"]["LH-6"]["skipped"], 6);
}

TEST(TheoremSlack, TheVerifierMayAskForOtherLayers) {
  Options options = quick_options();
  options.required_layers = std::vector{1, 5};
  const std::string text = text_of(slack_made("theorem_slack_broken"));
  const Judgement at_gate = judge_text(text, "artifact", options);
  EXPECT_EQ(at_gate.verdict, Verdict::broken);
  EXPECT_EQ(at_gate.effect->estimate, 1);
  options.required_layers = std::vector{1};
  EXPECT_EQ(judge_text(text, "artifact", options).verdict, Verdict::holds);
}

TEST(TheoremSlack, SumsAreOverLayersAndQuantities) {
  const Json& artifact = slack_made("theorem_slack");
  int cases = 0;
  double largest = 0;
  for (const char* layer : {"3", "5"}) {
    for (const Json& of : artifact["cases"][layer]["AD-3"]) {
      cases += of["cases"].get<int>();
      largest = std::max(largest, of["quantiles"][10].get<double>());
    }
  }
  const Json& sums = artifact["summary"]["per_theorem"]["AD-3"];
  EXPECT_EQ(sums["layers"], 2);
  EXPECT_EQ(sums["cases"], cases);
  EXPECT_EQ(cases, 2 * 5 * kSlackHeads * kSlackContexts * kSlackQueries);
  EXPECT_EQ(sums["largest_used"], largest);
  const Json& unknown = artifact["summary"]["per_theorem"]["KR-1"];
  EXPECT_TRUE(unknown["largest_used"].is_null() && unknown["tightest"].is_null());
}

TEST(TheoremSlack, EqualLayersAreSuspicious) {
  Json artifact = slack_made("theorem_slack");
  artifact["attention"]["3"] = artifact["attention"]["5"];
  for (const char* member : {"cases", "not_applicable"}) {
    artifact[member]["3"] = artifact[member]["5"];
  }
  artifact["summary"].erase("per_layer");
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::holds) << judgement.sentence;
  EXPECT_EQ(judgement.warnings, std::vector<std::string>{"cases.3 and cases.5 are identical"});
}

slack::LayerFacts usual_facts() {
  return {.keys = true,
          .heads = 4,
          .kv_heads = 2,
          .width = 16,
          .planes = 8,
          .normed = true,
          .experts = 8,
          .topk = 2,
          .plain = true,
          .full_softmax = true,
          .logit_bias = false,
          .finite = true};
}

std::vector<std::string> not_applicable(const slack::LayerFacts& facts, int64_t positions) {
  const slack::Sample sample{{3}, positions, {positions - 1}};
  std::vector<std::string> ids;
  for (const slack::Theorem& theorem : slack::checked_theorems()) {
    if (!applies(theorem.id, facts, sample)) ids.emplace_back(theorem.id);
  }
  return ids;
}

using Ids = std::vector<std::string>;

TEST(TheoremSlack, HypothesesOfKeys) {
  slack::LayerFacts facts = usual_facts();
  EXPECT_EQ(not_applicable(facts, 18), Ids{});
  EXPECT_EQ(not_applicable(facts, 17), Ids{"KR-9"});
  facts.normed = false;
  EXPECT_EQ(not_applicable(facts, 18), (Ids{"DC-2", "RC-4", "RC-8"}));
  facts = usual_facts();
  facts.planes = 1;
  EXPECT_EQ(not_applicable(facts, 18), Ids{"RC-2"});
  facts.planes = 0;
  EXPECT_EQ(not_applicable(facts, 18), (Ids{"DC-2", "RC-1", "RC-2", "RC-4", "RC-7", "RC-8"}));
  facts = usual_facts();
  facts.width = 7;
  facts.planes = 3;
  EXPECT_EQ(not_applicable(facts, 18), Ids{"IF-6"});
  facts.keys = false;
  EXPECT_EQ(not_applicable(facts, 18).size(), 41u);  // all but RG
}

TEST(TheoremSlack, HypothesesOfGates) {
  slack::LayerFacts facts = usual_facts();
  facts.logit_bias = true;
  EXPECT_EQ(not_applicable(facts, 18), (Ids{"RG-6", "RG-11"}));
  facts = usual_facts();
  facts.full_softmax = false;
  EXPECT_EQ(not_applicable(facts, 18), Ids{"RG-9"});
  facts.plain = false;
  EXPECT_EQ(not_applicable(facts, 18), (Ids{"RG-5", "RG-6", "RG-7", "RG-9", "RG-11"}));
  facts = usual_facts();
  facts.topk = 8;
  EXPECT_EQ(not_applicable(facts, 18), (Ids{"RG-5", "RG-6", "RG-7", "RG-9", "RG-10", "RG-11"}));
  facts.finite = false;
  EXPECT_EQ(not_applicable(facts, 18),
            (Ids{"KR-1", "KR-9", "RG-2", "RG-5", "RG-6", "RG-7", "RG-9", "RG-10", "RG-11"}));
}

using slack::Relation;

TEST(SlackShare, OfAnInequality) {
  const auto used = [](double value, double bound, double allowance) {
    return share_used(Relation::at_most, {value, bound, std::nullopt, allowance});
  };
  EXPECT_EQ(used(1, 3, 1), 0.25);
  EXPECT_EQ(used(3, 1, 1), 1.5);
  EXPECT_EQ(used(0, 1, 0), 0);
  EXPECT_FALSE(used(-0.5, 1, 0));
  EXPECT_FALSE(used(0, 0, 0));
  EXPECT_FALSE(used(0, -1, 0.5));
  EXPECT_FALSE(used(1e300, 1e-300, 0));  // not finite
  EXPECT_FALSE(share_used(Relation::at_most, {std::nullopt, 1, std::nullopt, 1}));
  EXPECT_TRUE(case_holds(Relation::at_most, {2, 1, std::nullopt, 1}));
  EXPECT_FALSE(case_holds(Relation::at_most, {2, 1, std::nullopt, 0.5}));
  EXPECT_FALSE(case_holds(Relation::at_most, {1, std::nullopt, std::nullopt, 0.5}));
}

TEST(SlackShare, OfAnIdentity) {
  EXPECT_EQ(share_used(Relation::equal, {1, 1.5, std::nullopt, 2}), 0.25);
  EXPECT_FALSE(share_used(Relation::equal, {1, 1, std::nullopt, 0}));
  EXPECT_TRUE(case_holds(Relation::equal, {1, 1, std::nullopt, 0}));
  EXPECT_FALSE(case_holds(Relation::equal, {1, 2, std::nullopt, 0.5}));
}

}  // namespace
}  // namespace rg::verify::testing
