// What is said of kv_distortion: every verdict and sentence, and statistics against counting by
// hand.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "verify/kv_distortion_artifacts.h"
#include "verify/kv_distortion_statistics.h"

namespace rg::verify::testing {
namespace {

const Json& distorted(const std::string& test) {
  static std::map<std::string, Json> all;
  if (!all.contains(test)) all[test] = make(test, {});
  return all[test];
}

const Json& distortion_verdict(const Json& artifact) { return artifact["summary"]["verdict"]; }

TEST(KvDistortion, EveryVariantIsSound) {
  for (const char* test : kKvDistortions) {
    for (const Shape& shape :
         {Shape{}, Shape{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4}}) {
      const Judgement judgement = judge(make(test, shape));
      EXPECT_NE(judgement.verdict, Verdict::invalid) << test << ": " << judgement.sentence;
      EXPECT_TRUE(judgement.warnings.empty()) << test << ": " << judgement.warnings.front();
    }
  }
}

TEST(KvDistortion, BoundsHold) {
  const Json& artifact = distorted("kv_distortion");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::holds);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  const Json& verdict = distortion_verdict(artifact);
  EXPECT_EQ(verdict["outcome"], "HOLDS");
  EXPECT_EQ(verdict["documents"], 20);
  EXPECT_EQ(verdict["calibrated_from"], 2);
  EXPECT_EQ(verdict["forecast"][0]["calibration"], "NOT_CALIBRATED");
  EXPECT_EQ(verdict["forecast"][1]["calibration"], "CALIBRATED");
  EXPECT_LT(verdict["largest_excess"], 0);
  EXPECT_TRUE(judgement.sentence.ends_with(
      "no distortion exceeds a bound. Keys of 1 bit move an output by 0.3 of the spread of its "
      "values on average, of 2 bits by 0.15. The first-order forecast is calibrated from 2 bits "
      "on."))
      << judgement.sentence;
  ASSERT_TRUE(judgement.effect);
  EXPECT_EQ(judgement.effect->estimate,
            artifact["summary"]["codes"][0]["all"]["error"]["mean"].get<double>());
  EXPECT_FALSE(judgement.stability);
  EXPECT_FALSE(judgement.convergence);
  ASSERT_EQ(judgement.beside.size(), 6u);
  EXPECT_TRUE(judgement.beside[0].verdict.ends_with(" (normal coordinates: 0.3634)"))
      << judgement.beside[0].verdict;
  EXPECT_EQ(judgement.beside[1].verdict, "NOT_CALIBRATED");
}

TEST(KvDistortion, OneCaseBreaksABound) {
  DistortionVariant variant;
  variant.windows = 2;  // however few
  Json artifact = kv_distortion_of({.windows = 20}, variant);
  for (const double excess : {1e-9, 2e-9}) {
    at(artifact, "heads.5.1.codes.2.sinks_exact.excess.B6") = excess;
    complete(artifact);
    const Judgement judgement = judge(artifact);
    const bool broken = excess > 1e-9;
    EXPECT_EQ(judgement.verdict, broken ? Verdict::broken : Verdict::insufficient);
    EXPECT_EQ(distortion_verdict(artifact)["outcome"], broken ? "BROKEN" : "HOLDS");
    EXPECT_EQ(distortion_verdict(artifact)["bounds_hold"], !broken);
    EXPECT_EQ(distortion_verdict(artifact)["largest_excess"], excess);
    if (!broken) continue;
    EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
    EXPECT_EQ(
        judgement.sentence,
        "At layer 5, KV head 1, the code head, least_squares, raw, identity of 1 bit moves an "
        "output 2e-09 of its spread farther than bound B6 allows: the bounds don't hold.");
  }
}

TEST(KvDistortion, AHeadWithoutCasesIsDegenerate) {
  const Json& artifact = distorted("kv_distortion_one_head");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.sentence, "At layer 5 some head has no query that sees different values.");
  EXPECT_EQ(distortion_verdict(artifact)["outcome"], "DEGENERATE");
  EXPECT_EQ(artifact["summary"]["codes"][0]["layers"], 2);
}

TEST(KvDistortion, ALayerWithoutCasesIsInNoMean) {
  DistortionVariant variant;
  variant.window = 1;  // of layer 5: every query sees one key
  const Json artifact = kv_distortion_of({}, variant);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate) << judgement.sentence;
  const Json& summary = artifact["summary"];
  EXPECT_EQ(summary["codes"][0]["layers"], 1);
  EXPECT_EQ(summary["codes"][0]["all"], summary["per_layer"]["3"]["codes"][0]["all"]);
  const Json& empty = summary["per_layer"]["5"]["codes"][0]["all"];
  EXPECT_TRUE(empty["error"]["mean"].is_null());
  EXPECT_TRUE(empty["vacuous"]["B1"].is_null());
  EXPECT_TRUE(empty["excess"]["B1"].is_null());
  EXPECT_EQ(empty["calibration"], "INSUFFICIENT");
}

TEST(KvDistortion, NoLayerWithKeysIsDegenerate) {
  const Json& artifact = distorted("kv_distortion_without_keys");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.sentence, "No measured layer has keys that a code could change.");
  EXPECT_TRUE(artifact["summary"]["codes"][0].is_null());
  EXPECT_TRUE(distortion_verdict(artifact)["largest_excess"].is_null());
  EXPECT_TRUE(distortion_verdict(artifact)["forecast"][0]["ratio"]["ci95"].is_null());
}

TEST(KvDistortion, ARefusedCodeIsInNoMean) {
  const Json& artifact = distorted("kv_distortion_refused");
  const Json& summary = artifact["summary"];
  EXPECT_TRUE(summary["per_layer"]["5"]["codes"][5].is_null());
  EXPECT_EQ(summary["codes"][5]["layers"], 1);
  EXPECT_EQ(summary["codes"][5]["all"], summary["per_layer"]["3"]["codes"][5]["all"]);
  EXPECT_EQ(summary["codes"][0]["layers"], 2);
  EXPECT_TRUE(distorted("kv_distortion_unfitted")["summary"]["codes"][1].is_null());
}

TEST(KvDistortion, TooLittleIsSaid) {
  const auto sentence_of = [](const Shape& shape, const DistortionVariant& variant) {
    const Json artifact = kv_distortion_of(shape, variant);
    EXPECT_EQ(distortion_verdict(artifact)["outcome"], "HOLDS");  // waived
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.verdict, Verdict::insufficient);
    EXPECT_EQ(judgement.reasons.size(), 1u);
    return judgement.sentence;
  };
  EXPECT_EQ(sentence_of({.windows = 199}, {}),
            "Only 199 windows were measured; a verdict needs 200.");
  EXPECT_EQ(sentence_of({.replicates = 199}, {}),
            "Only 199 bootstrap replicates were drawn; a verdict needs 200.");
  DistortionVariant few;
  few.windows = 19;
  EXPECT_EQ(sentence_of({}, few), "Only 19 documents were measured; a verdict needs 20.");
}

TEST(KvDistortion, TheVerifierMayAskForOtherLayers) {
  Options options = quick_options();
  options.required_layers = std::vector{3};
  const std::string text = text_of(distorted("kv_distortion_one_head"));
  EXPECT_EQ(judge_text(text, "artifact", options).verdict, Verdict::holds);
  options.required_layers = std::vector{1, 3};
  const Judgement judgement = judge_text(text, "artifact", options);
  ASSERT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_EQ(judgement.reasons.at(0).check, "required_layers");
}

TEST(KvDistortion, CopiesAreSuspicious) {
  Json artifact = distorted("kv_distortion");
  artifact["heads"]["5"] = Json(artifact["heads"]["3"]);
  artifact["per_window"]["attention"]["5"] = Json(artifact["per_window"]["attention"]["3"]);
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::holds) << judgement.sentence;
  ASSERT_FALSE(judgement.warnings.empty());
  EXPECT_EQ(judgement.warnings.front(),
            "per_window.attention.3.codes[0].all.error and per_window.attention.5.codes[0].all."
            "error are identical");
}

TEST(KvDistortion, TooManyDrawsAreRefused) {
  Json artifact = distorted("kv_distortion");
  artifact["data"]["seq_len"] = 1 << 21;
  seal(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::over_budget);
  EXPECT_EQ(exit_code({judgement}), ExitCode::budget);
}

TEST(KvDistortion, BlocksAreOfSumsOverDocuments) {
  const Json& artifact = distorted("kv_distortion");
  const Json& of = artifact["per_window"]["attention"]["5"];
  const Json& sums = of["codes"][6]["sinks_exact"];
  const auto total_of = [](const Json& values) {
    double sum = 0;
    for (const Json& value : values) sum += value.get<double>();
    return sum;
  };
  const Json& block = artifact["summary"]["per_layer"]["5"]["codes"][6]["sinks_exact"];
  EXPECT_NEAR(block["error"]["mean"], total_of(sums["error"]) / total_of(of["cases"]), 1e-12);
  EXPECT_NEAR(block["ratio"]["mean"], total_of(sums["error"]) / total_of(sums["forecast"]), 1e-12);
  EXPECT_NEAR(block["slope"]["mean"],
              total_of(sums["product"]) / total_of(sums["forecast_squares"]), 1e-12);
  EXPECT_NEAR(block["vacuous"]["B5"], total_of(sums["vacuous"]["B5"]) / total_of(of["cases"]),
              1e-12);
  EXPECT_NEAR(block["direction"], std::sqrt(1 / 1.2), 1e-9);
  const Json& other = artifact["summary"]["per_layer"]["3"]["codes"][6]["sinks_exact"];
  EXPECT_NEAR(artifact["summary"]["codes"][6]["sinks_exact"]["slope"]["mean"],
              (block["slope"]["mean"].get<double>() + other["slope"]["mean"].get<double>()) / 2,
              1e-12);
  EXPECT_NEAR(artifact["summary"]["per_layer"]["5"]["codes"][0]["stored_bits"], 2, 1e-12);
  EXPECT_NEAR(artifact["summary"]["per_layer"]["5"]["codes"][1]["stored_bits"], 1, 1e-12);
  EXPECT_NEAR(artifact["summary"]["per_layer"]["5"]["codes"][6]["key_error"],
              0.09 * (1 + 1000.0 / 1001) / 2, 1e-12);
}

// A plain block with ratio and slope in these intervals.
distortion::Blocks forecasts(double lo, double hi) {
  distortion::Blocks blocks;
  for (const size_t block : {size_t{distortion::kRatio}, size_t{distortion::kSlope}}) {
    blocks[block].replicates = {lo, hi};
  }
  return blocks;
}

TEST(KvCalibration, TheRangeIsClosedAndOfBoth) {
  EXPECT_EQ(distortion::calibration_of(forecasts(0.8, 1.25), 20), "CALIBRATED");
  EXPECT_EQ(distortion::calibration_of(forecasts(0.8, 1.25), 19), "INSUFFICIENT");
  EXPECT_EQ(distortion::calibration_of(forecasts(0.79, 1.25), 20), "NOT_CALIBRATED");
  EXPECT_EQ(distortion::calibration_of(forecasts(0.8, 1.26), 20), "NOT_CALIBRATED");
  distortion::Blocks one = forecasts(0.9, 1.1);
  one[distortion::kSlope].replicates = {0.7, 1};
  EXPECT_EQ(distortion::calibration_of(one, 20), "NOT_CALIBRATED");
  one[distortion::kSlope].replicates = {std::nullopt};
  EXPECT_EQ(distortion::calibration_of(one, 20), "INSUFFICIENT");
}

TEST(KvCodes, FollowTheParameters) {
  using distortion::CodeList;
  const auto count = [](CodeList list, bool values) {
    return distortion::codes_of(
               {.codes = list, .coded_values = values, .fewest_bits = 2, .most_bits = 3})
        .size();
  };
  EXPECT_EQ(count(CodeList::plain, false), 2u);
  EXPECT_EQ(count(CodeList::plain, true), 4u);
  EXPECT_EQ(count(CodeList::scales, false), 10u);
  EXPECT_EQ(count(CodeList::all, true), 18u);
}

}  // namespace
}  // namespace rg::verify::testing
