// What is said of kv_gauge: every outcome and sentence, what is too little, and statistics against
// counting by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "verify/kv_gauge_artifacts.h"
#include "verify/kv_gauge_statistics.h"

namespace rg::verify::testing {
namespace {

const Json& kv_made(const std::string& test) {
  static std::map<std::string, Json> all;
  if (!all.contains(test)) all[test] = make(test, {});
  return all[test];
}

const Json& verdict_in(const Json& artifact) { return artifact["summary"]["verdict"]; }

// Layers 3 and 5 with one learned cosine for every centring.
Json learned_at(double cosine, double spread = 0.005) {
  KvVariant variant;
  variant.learned = cosine;
  variant.centred = {cosine, cosine, cosine};
  variant.spread = spread;
  return kv_gauge_of({}, variant);
}

TEST(KvGauge, EveryVariantIsSound) {
  for (const char* test : kKvGauges) {
    for (const Shape& shape :
         {Shape{}, Shape{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4}}) {
      const Judgement judgement = judge(make(test, shape));
      EXPECT_NE(judgement.verdict, Verdict::invalid) << test << ": " << judgement.sentence;
      EXPECT_TRUE(judgement.warnings.empty()) << test << ": " << judgement.warnings.front();
    }
  }
}

TEST(KvGauge, SuperiorWithinThePublishedRange) {
  const Json& artifact = kv_made("kv_gauge");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::superior);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(verdict_in(artifact)["outcome"], "SUPERIOR");
  EXPECT_EQ(verdict_in(artifact)["sentence"], "learned_rotations");
  EXPECT_EQ(verdict_in(artifact)["cells"], (Json{{"below", 0}, {"within", 4}, {"above", 0}}));
  EXPECT_EQ(verdict_in(artifact)["fitted_documents"], 20);
  EXPECT_EQ(artifact["summary"]["replication"]["unit"], "document");
  EXPECT_EQ(judgement.sentence,
            "On held-out keys, with one bit per coordinate, a learned rotation keeps a mean cosine "
            "of 0.935, 0.135 more than random ones (at least 0.134); on noise like the keys it "
            "gains +0.0108. The 0.919 to 0.965 published for learned rotations is reached with "
            "keys as they are, keys less their own mean and keys less their common mean.");
  ASSERT_TRUE(judgement.effect);
  EXPECT_EQ(judgement.effect->estimate, verdict_in(artifact)["advantage"]["mean"].get<double>());
  ASSERT_TRUE(judgement.stability);
  EXPECT_EQ(judgement.stability->probability, 1);
  EXPECT_FALSE(judgement.stability->fragile);
  EXPECT_EQ(judgement.beside.at(0).verdict, "SUPERIOR");
  EXPECT_EQ(judgement.beside.at(4).verdict, "0 below, 4 within, 0 above");
}

TEST(KvGauge, SuperiorBelowThePublishedRange) {
  const Json artifact = learned_at(0.88);
  EXPECT_EQ(verdict_in(artifact)["sentence"], "smaller_advantage");
  EXPECT_EQ(verdict_in(artifact)["cells"]["below"], 4);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::superior);
  EXPECT_TRUE(judgement.sentence.ends_with(
      "With no centring does it reach the 0.919 to 0.965 published for learned rotations."))
      << judgement.sentence;
}

TEST(KvGauge, SuperiorAboveThePublishedRange) {
  const Json artifact = learned_at(0.98);
  EXPECT_EQ(verdict_in(artifact)["sentence"], "learned_rotations");
  EXPECT_EQ(verdict_in(artifact)["centred"]["raw"]["place"], "above");
  EXPECT_EQ(verdict_in(artifact)["cells"]["above"], 4);
}

TEST(KvGauge, SuperiorAcrossThePublishedRange) {
  const Json artifact = learned_at(0.919, 0.02);
  EXPECT_EQ(verdict_in(artifact)["outcome"], "SUPERIOR");
  EXPECT_EQ(verdict_in(artifact)["centred"]["key_dc"]["place"], "undecided");
  EXPECT_EQ(verdict_in(artifact)["sentence"], "undecided");
  EXPECT_TRUE(judge(artifact).sentence.ends_with("is undecided."));
}

TEST(KvGauge, Equivalent) {
  const Json artifact = learned_at(0.802);
  EXPECT_EQ(verdict_in(artifact)["outcome"], "EQUIVALENT");
  EXPECT_EQ(verdict_in(artifact)["sentence"], "no_advantage");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::equivalent);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(judgement.sentence,
            "On held-out keys, with one bit per coordinate, a learned rotation keeps a mean cosine "
            "of 0.802, as random ones do within 0.01: fitting it to the keys gains +0.00172 "
            "(+0.001 to +0.00251).");
  EXPECT_GT(artifact["summary"]["replication"]["z"], 2);
}

TEST(KvGauge, Inferior) {
  const Json artifact = learned_at(0.75);
  EXPECT_EQ(verdict_in(artifact)["outcome"], "INFERIOR");
  EXPECT_EQ(verdict_in(artifact)["sentence"], "no_advantage");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::inferior);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(
      judgement.sentence,
      "On held-out keys, with one bit per coordinate, a learned rotation keeps a mean cosine of "
      "0.75, 0.0503 less than random ones (at least 0.0495): fitting it to the keys does harm.");
  EXPECT_GT(artifact["summary"]["replication"]["z"], 2);
}

TEST(KvGauge, Inconclusive) {
  const Json artifact = learned_at(0.808, 0.15);
  EXPECT_EQ(verdict_in(artifact)["outcome"], "INCONCLUSIVE");
  EXPECT_EQ(verdict_in(artifact)["sentence"], "undecided");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::inconclusive);
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_TRUE(
      judgement.sentence.ends_with("neither a difference nor its absence within 0.01 is shown."))
      << judgement.sentence;
  EXPECT_LT(judgement.stability->probability, 0.6);
}

TEST(KvGauge, WithoutARandomGaugeNothingIsCompared) {
  Json artifact = kv_made("kv_gauge");
  artifact["keys"]["rotations"] = artifact["keys"]["signed_hadamards"] = 0;
  for (Json& heads : artifact["heads"]) {
    for (Json& head : heads) {
      const Json gauges = head["gauges"];
      head["gauges"] = {gauges[0], gauges[8]};
    }
  }
  artifact["summary"].erase("per_layer");
  complete(artifact);
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::inconclusive);
  EXPECT_EQ(judgement.sentence, "There is no random rotation to compare the learned one with.");
  EXPECT_TRUE(verdict_in(artifact)["advantage"]["ci95"].is_null());
  EXPECT_TRUE(verdict_in(artifact)["excess"]["mean"].is_null());
  EXPECT_TRUE(artifact["summary"]["replication"]["z"].is_null());
}

TEST(KvGauge, AHeadWithoutALearnedRotationIsDegenerate) {
  const Json& artifact = kv_made("kv_gauge_refused");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(exit_code({judgement}), ExitCode::unsupported_claim);
  EXPECT_EQ(judgement.sentence,
            "At layer 5 some head has no learned rotation, or no held-out keys: there is no mean "
            "over all heads.");
  const Json& summary = artifact["summary"];
  EXPECT_EQ(summary["verdict"]["outcome"], "DEGENERATE");
  EXPECT_EQ(summary["verdict"]["sentence"], "undecided");
  EXPECT_EQ(summary["verdict"]["cells"]["within"], 3);
  EXPECT_TRUE(summary["replication"]["z"].is_null());
  const Json& layer = summary["per_layer"]["5"];
  EXPECT_EQ(layer["defined_heads"], 1);
  EXPECT_EQ(layer["learned"], layer["heads"][1]["learned"]);
  EXPECT_TRUE(layer["heads"][0]["learned"]["mean"].is_null());
  EXPECT_TRUE(layer["heads"][0]["dc5"]["key_dc"].is_null());
  EXPECT_FALSE(layer["heads"][0]["random"]["mean"].is_null());
}

TEST(KvGauge, NoLayerWithKeysIsDegenerate) {
  const Json& artifact = kv_made("kv_gauge_without_keys");
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::degenerate);
  EXPECT_EQ(judgement.sentence, "No measured layer has keys that a gauge could turn.");
  EXPECT_TRUE(verdict_in(artifact)["keys_per_width"].is_null());
  EXPECT_TRUE(verdict_in(artifact)["learned"]["mean"].is_null());
}

TEST(KvGauge, TooLittleIsSaid) {
  const auto sentence_of = [](const Shape& shape, const KvVariant& variant) {
    const Json artifact = kv_gauge_of(shape, variant);
    EXPECT_EQ(verdict_in(artifact)["outcome"], "SUPERIOR");  // waived
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.verdict, Verdict::insufficient);
    EXPECT_EQ(judgement.reasons.size(), 1u);
    return judgement.sentence;
  };
  EXPECT_EQ(sentence_of({.windows = 199}, {}),
            "Only 199 windows were measured; a verdict needs 200.");
  EXPECT_EQ(sentence_of({.replicates = 199}, {}),
            "Only 199 bootstrap replicates were drawn; a verdict needs 200.");
  EXPECT_EQ(sentence_of({.documents = 39}, {}),
            "Only 19 units of held-out documents were measured; a verdict needs 20.");
  KvVariant few;
  few.positions = 8;
  EXPECT_EQ(sentence_of({}, few), "Only 43.2 keys per column were fitted on; a verdict needs 50.");
}

TEST(KvGauge, FewKeysPerColumnAreNoted) {
  KvVariant few;
  few.positions = 16;
  const Judgement judgement = judge(kv_gauge_of({}, few));
  EXPECT_EQ(judgement.verdict, Verdict::superior);
  ASSERT_EQ(judgement.notes.size(), 2u);
  EXPECT_TRUE(judgement.notes[1].ends_with(
      "fitted keys per column are few: a learned rotation may follow their noise"));
}

TEST(KvGauge, MoreThanAHundredAndTwentyEightDocumentsShareUnits) {
  const Json artifact = make("kv_gauge", {.windows = 320, .documents = 320});
  EXPECT_EQ(artifact["units"]["count"], 128);
  EXPECT_EQ(artifact["units"]["of_window"][257], 0);
  EXPECT_EQ(judge(artifact).verdict, Verdict::superior);
}

TEST(KvGauge, TheVerifierMayAskForOtherLayers) {
  Options options = quick_options();
  options.required_layers = std::vector{3};
  const std::string text = text_of(kv_made("kv_gauge_refused"));
  EXPECT_EQ(judge_text(text, "artifact", options).verdict, Verdict::superior);
  options.required_layers = std::vector{1, 3};
  const Judgement judgement = judge_text(text, "artifact", options);
  ASSERT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_EQ(judgement.reasons.at(0).check, "required_layers");
}

TEST(KvGauge, CopiesAreSuspicious) {
  const auto warning_of = [](const std::function<void(Json&)>& copy) {
    Json artifact = kv_made("kv_gauge");
    copy(artifact);
    complete(artifact);
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.verdict, Verdict::superior) << judgement.sentence;
    return judgement.warnings.empty() ? std::string() : judgement.warnings.front();
  };
  EXPECT_EQ(warning_of([](Json& a) { a["heads"]["5"][1] = Json(a["heads"]["3"][0]); }),
            "heads.3[0].gauges[0].cosines and heads.5[1].gauges[0].cosines are identical");
  EXPECT_EQ(warning_of([](Json& a) {
              for (Json& cosine : at(a, "heads.3.0.noise.cosines")) cosine = 100.5;
            }),
            "heads.3[0].noise.cosines is the same in every unit");
}

TEST(KvGauge, RatiosAreOfSumsOverUnits) {
  const Json& artifact = kv_made("kv_gauge");
  const Json& head = artifact["heads"]["5"][1];
  double keys = 0, learned = 0, random = 0, noise = 0, noise_keys = 0;
  for (size_t u = 0; u < 20; ++u) {
    keys += head["keys"][u].get<double>();
    noise_keys += head["noise"]["keys"][u].get<double>();
    learned += head["gauges"][8]["cosines"][u].get<double>();
    for (size_t g = 1; g < 8; ++g) random += head["gauges"][g]["cosines"][u].get<double>() / 7;
    noise += head["noise"]["cosines"][u].get<double>() -
             head["noise"]["random_cosines"][u].get<double>();
  }
  const Json& of = artifact["summary"]["per_layer"]["5"]["heads"][1];
  EXPECT_NEAR(of["learned"]["mean"], learned / keys, 1e-12);
  EXPECT_NEAR(of["random"]["mean"], random / keys, 1e-12);
  EXPECT_NEAR(of["advantage"]["mean"], (learned - random) / keys, 1e-12);
  EXPECT_NEAR(of["noise_advantage"]["mean"], noise / noise_keys, 1e-12);
  EXPECT_NEAR(of["excess"]["mean"], (learned - random) / keys - noise / noise_keys, 1e-12);
  double layers = 0;
  for (const char* layer : {"3", "5"}) {
    const Json& heads = artifact["summary"]["per_layer"][layer]["heads"];
    layers += (heads[0]["excess"]["mean"].get<double>() + heads[1]["excess"]["mean"].get<double>());
  }
  EXPECT_NEAR(verdict_in(artifact)["excess"]["mean"], layers / 4, 1e-12);
}

TEST(KvGauge, ConstantsAreThoseOfGaussianKeys) {
  const Json& layer = kv_made("kv_gauge")["summary"]["per_layer"]["3"];
  // E|g_1| / (sqrt(d) E|g|_2 / d) of 16 independent normal columns, by gamma functions.
  const double cosine =
      std::sqrt(16 / std::acos(-1.0)) * std::exp(std::lgamma(8.0) - std::lgamma(8.5));
  EXPECT_NEAR(layer["gaussian_cosine"], cosine, 1e-9);
  EXPECT_NEAR(layer["gaussian_beta"], 0.6593310, 1e-7);
  const Json& head = kv_made("kv_gauge")["heads"]["3"][0];
  EXPECT_NEAR(head["residual"][2]["bits"], 1 + 16 * 5 / 16.0, 1e-12);
  EXPECT_NEAR(head["ceiling"]["cosine"], 0.913372, 1e-6);
}

using kv::Outcome;
using kv::Place;

TEST(KvOutcome, TheMarginIsOpenAndComesFirst) {
  EXPECT_EQ(kv::outcome_of(Interval{0.001, 0.0099}), Outcome::equivalent);
  EXPECT_EQ(kv::outcome_of(Interval{0.001, 0.01}), Outcome::superior);
  EXPECT_EQ(kv::outcome_of(Interval{-0.01, -0.001}), Outcome::inferior);
  EXPECT_EQ(kv::outcome_of(Interval{0, 0.02}), Outcome::inconclusive);
  EXPECT_EQ(kv::outcome_of(Interval{-0.02, 0}), Outcome::inconclusive);
  EXPECT_EQ(kv::outcome_of(std::nullopt), Outcome::inconclusive);
}

TEST(KvOutcome, ReplicatesAgreeWithTheirSide) {
  // Three gains, one of them within the margin, and a loss within it.
  const kv::Series gain{.estimate = 0.01, .replicates = {0.02, 0.03, 0.001, -0.002, std::nullopt}};
  EXPECT_EQ(kv::agreeing(gain, Outcome::superior), 0.75);
  EXPECT_EQ(kv::agreeing(gain, Outcome::inferior), 0.25);
  EXPECT_EQ(kv::agreeing(gain, Outcome::equivalent), 0.5);
  EXPECT_EQ(kv::agreeing(gain, Outcome::inconclusive), 0.25);
  EXPECT_EQ(kv::agreeing(gain, kv::mirrored(Outcome::superior)), 0.25);
  EXPECT_EQ(kv::agreeing(gain, kv::mirrored(Outcome::equivalent)), 0.5);
}

TEST(KvPlace, TheRangeIsClosed) {
  const auto place = [](double lo, double hi) {
    return kv::place_of(Interval{lo, hi}, kv::kPublishedLearned);
  };
  EXPECT_EQ(place(0.919, 0.965), Place::within);
  EXPECT_EQ(place(0.9, 0.918), Place::below);
  EXPECT_EQ(place(0.9, 0.919), Place::undecided);
  EXPECT_EQ(place(0.965, 0.97), Place::undecided);
  EXPECT_EQ(place(0.9651, 0.97), Place::above);
  EXPECT_EQ(kv::place_of(std::nullopt, kv::kPublishedLearned), Place::undecided);
}

TEST(KvDistance, IsToTheThresholdOfTheOutcome) {
  kv::Series advantage;
  advantage.estimate = 0.004;
  advantage.replicates = {0.003, 0.004, std::nullopt, 0.005};  // deviation 0.001
  EXPECT_NEAR(*kv::distance(advantage, Outcome::superior), 4, 1e-9);
  EXPECT_NEAR(*kv::distance(advantage, Outcome::inferior), -4, 1e-9);
  EXPECT_NEAR(*kv::distance(advantage, Outcome::equivalent), 6, 1e-9);
  EXPECT_NEAR(*kv::distance(advantage, Outcome::inconclusive), 6, 1e-9);
  advantage.replicates = {0.003, 0.003};
  EXPECT_FALSE(kv::distance(advantage, Outcome::superior));
}

}  // namespace
}  // namespace rg::verify::testing
