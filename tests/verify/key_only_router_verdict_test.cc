// What is said of key_only_router: every verdict and sentence, and statistics against counting by
// hand.
#include <gtest/gtest.h>

#include <map>

#include "verify/key_only_router_artifacts.h"

namespace rg::verify::testing {
namespace {

const Json& routed(const std::string& test) {
  static std::map<std::string, Json> all;
  if (!all.contains(test)) all[test] = make(test, {});
  return all[test];
}

const Json& verdict_on_keys(const Json& artifact) { return artifact["summary"]["verdict"]; }

Json with_overlaps(double keys, double residual) {
  RouterKeysVariant variant;
  variant.keys = keys;
  variant.residual = residual;
  variant.mlp_hidden = 0;
  variant.positions = 32;
  return key_only_router_of({}, variant);
}

TEST(KeyOnlyRouter, EveryVariantIsSound) {
  for (const char* test : kKeyOnlyRouters) {
    for (const Shape& shape :
         {Shape{}, Shape{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4},
          Shape{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 1}}) {
      const Judgement judgement = judge(make(test, shape));
      EXPECT_NE(judgement.verdict, Verdict::invalid) << test << ": " << judgement.sentence;
      EXPECT_TRUE(judgement.warnings.empty()) << test << ": " << judgement.warnings.front();
    }
  }
}

TEST(KeyOnlyRouter, KeysTellLess) {
  const Json& artifact = routed("key_only_router");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::inferior) << judgement.sentence;
  const Json& verdict = verdict_on_keys(artifact);
  EXPECT_EQ(verdict["outcome"], "INFERIOR");
  EXPECT_EQ(verdict["sentence"], "worse_than_residual");
  EXPECT_EQ(verdict["fitted_documents"], 48);
  EXPECT_TRUE(verdict["degenerate"].is_null());
  ASSERT_TRUE(judgement.effect);
  EXPECT_EQ(judgement.effect->estimate, verdict["key_gap"]["mean"].get<double>());
  ASSERT_TRUE(judgement.stability);
  EXPECT_TRUE(judgement.sentence.starts_with("From its keys ")) << judgement.sentence;
}

TEST(KeyOnlyRouter, KeysTellMore) {
  const Json artifact = with_overlaps(0.95, 0.7);
  EXPECT_EQ(judge(artifact).verdict, Verdict::superior);
  EXPECT_EQ(verdict_on_keys(artifact)["sentence"], "as_good_as_residual");
  EXPECT_EQ(verdict_on_keys(artifact)["place"], "below");
}

TEST(KeyOnlyRouter, KeysTellAsMuch) {
  const Json artifact = with_overlaps(1, 1);
  EXPECT_EQ(judge(artifact).verdict, Verdict::equivalent);
  EXPECT_EQ(verdict_on_keys(artifact)["sentence"], "as_good_as_residual");
  EXPECT_EQ(verdict_on_keys(artifact)["place"], "above");
  EXPECT_TRUE(artifact["summary"]["replication"]["z"].is_null());  // no error at all
}

TEST(KeyOnlyRouter, KeysNoBetterThanNothing) {
  const Json artifact = with_overlaps(0.1, 0.95);
  EXPECT_EQ(judge(artifact).verdict, Verdict::inferior);
  EXPECT_EQ(verdict_on_keys(artifact)["sentence"], "no_better_than_constant");
}

TEST(KeyOnlyRouter, WhatHasNoAnswerIsDegenerate) {
  for (const auto& [test, why] : {std::pair{"key_only_router_unmeasured", "layers"},
                                  {"key_only_router_unsound", "pipeline"},
                                  {"key_only_router_refused", "predictors"}}) {
    const Json& artifact = routed(test);
    EXPECT_EQ(judge(artifact).verdict, Verdict::degenerate) << test;
    const Json& verdict = verdict_on_keys(artifact);
    EXPECT_EQ(verdict["outcome"], "DEGENERATE") << test;
    EXPECT_EQ(verdict["degenerate"], why);
    EXPECT_EQ(verdict["sentence"], "undecided") << test;
    EXPECT_TRUE(artifact["summary"]["replication"]["z"].is_null()) << test;
  }
}

TEST(KeyOnlyRouter, TooLittleIsSaid) {
  const auto sentence_of = [](const Shape& shape, int positions) {
    RouterKeysVariant variant;
    variant.positions = positions;
    const Judgement judgement = judge(key_only_router_of(shape, variant));
    EXPECT_EQ(judgement.verdict, Verdict::insufficient);
    return judgement.sentence;
  };
  EXPECT_EQ(sentence_of({.windows = 199}, 4),
            "Only 199 windows were measured; a verdict needs 200.");
  EXPECT_EQ(sentence_of({.replicates = 199}, 4),
            "Only 199 bootstrap replicates were drawn; a verdict needs 200.");
  EXPECT_EQ(sentence_of({.documents = 33}, 4),
            "Only 19 units of test documents were measured; a verdict needs 20.");
}

TEST(KeyOnlyRouter, ChosenModelsAndRatiosAreCounted) {
  const Json& artifact = routed("key_only_router");
  const Json& list = artifact["predictors"]["3"];
  size_t best = 5;  // of keys
  for (size_t i = 5; i < 8; ++i) {
    if (list[i]["choosing_common"] > list[best]["choosing_common"]) best = i;
  }
  const Json& layer = artifact["summary"]["per_layer"]["3"];
  EXPECT_EQ(layer["chosen"]["keys"], list[best]["model"]);
  double common = 0, rows = 0, error = 0, energy = 0;
  for (const Json& value : list[best]["common"]) common += value.get<double>();
  for (const Json& value : list[best]["error"]) error += value.get<double>();
  for (const Json& value : artifact["truth"]["3"]["energy"]) energy += value.get<double>();
  for (const Json& value : artifact["truth"]["3"]["margin_rows"]) rows += value.get<double>();
  EXPECT_NEAR(layer["predictors"][best]["overlap"]["mean"], common / (2 * rows), 1e-12);
  EXPECT_NEAR(layer["predictors"][best]["r2"]["mean"], 1 - error / energy, 1e-12);
  EXPECT_NEAR(layer["oracle"], 1, 1e-12);
}

}  // namespace
}  // namespace rg::verify::testing
