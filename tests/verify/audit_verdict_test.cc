// What audits say: outcomes, splits, scores against counting decision by decision, and the
// sentences with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "verify/audit_artifacts.h"
#include "verify/audit_doctored.h"
#include "verify/audit_logistic.h"

namespace rg::verify::testing {
namespace {

const Json& made(const std::string& test) {
  static std::map<std::string, Json> all;
  if (!all.contains(test)) all[test] = make(test, {});
  return all[test];
}

Json& score_of(Json& artifact, const std::string& forecast) {
  return at(artifact, "summary.forecasts." + forecast + ".pooled");
}

TEST(Audit, IsReported) {
  const Judgement judgement = judge(made("audit"));
  EXPECT_EQ(judgement.verdict, Verdict::reported);
  EXPECT_EQ(exit_code({judgement}), ExitCode::done);
  EXPECT_EQ(judgement.model, "synthetic->synthetic-4bit");
  EXPECT_EQ(judgement.sentence,
            "11.9 % of the routing decisions flip, 74.1 % of that by the gates' inputs and 25.9 % "
            "by the gates; the loss changes by +0.0565 nats, +0.0251 of them by choosing other "
            "experts; forecast F4 is calibrated and says more than the margin alone.");
  EXPECT_EQ(judgement.effect->name, "flip_rate");
  EXPECT_EQ(judgement.effect->layer, -1);
  EXPECT_EQ(judgement.beside.at(0).verdict, "CALIBRATED");
  EXPECT_FALSE(judgement.stability);
}

TEST(Audit, EveryVariantIsAccepted) {
  for (const char* test : kAudits) {
    const Judgement judgement = judge(made(test));
    EXPECT_EQ(judgement.verdict, Verdict::reported) << test << ": " << judgement.sentence;
    EXPECT_TRUE(judgement.warnings.empty()) << test << ": " << judgement.warnings.front();
  }
}

TEST(Audit, BrokenRulesAreNamedAlone) {
  for (const BrokenRule& rule : broken_audit_rules()) {
    SCOPED_TRACE(rule.what);
    Json artifact = made(rule.test);
    rule.doctor(artifact);
    seal(artifact);
    const Judgement judgement = judge(artifact);
    ASSERT_EQ(judgement.reasons.size(), 1u) << judgement.reasons.back().path;
    EXPECT_EQ(judgement.reasons[0].check, check_name(rule.check));
    EXPECT_TRUE(judgement.reasons[0].path.starts_with(rule.path)) << judgement.reasons[0].path;
  }
}

TEST(Audit, EqualGatesOnlyPassOnWhatTheyGet) {
  const Json& artifact = made("audit_equal_gates");
  const Json& pooled = artifact["summary"]["pooled"];
  EXPECT_EQ(pooled["local"]["rate"], 0);
  EXPECT_EQ(pooled["phi_gate"]["rate"], 0);
  EXPECT_EQ(pooled["share_gate"]["rate"], 0);
  EXPECT_EQ(pooled["phi_input"], pooled["total"]);
  EXPECT_GT(pooled["guaranteed"]["rate"], 0.3);
  EXPECT_NE(judge(artifact).sentence.find("100 % of that by the gates' inputs and 0 %"),
            std::string::npos);
}

TEST(Audit, AnIdenticalCopyIsCalledSo) {
  const Json& artifact = made("audit_identical");
  const Json& summary = artifact["summary"];
  EXPECT_EQ(summary["outcome"], "IDENTICAL");
  EXPECT_EQ(judge(artifact).sentence,
            "On these windows the two checkpoints choose the same experts with the same weights "
            "and predict the same, bit for bit.");
  EXPECT_TRUE(summary["pooled"]["share_gate"].is_null());
  EXPECT_TRUE(summary["pooled"]["depth"]["rate"].is_null());
  EXPECT_TRUE(summary["two_by_two"]["share_R"].is_null());
  EXPECT_EQ(summary["pooled"]["token_flips"]["rate"], 0);
  const Json& f4 = summary["forecasts"]["F4"]["pooled"];
  EXPECT_EQ(f4["calibration"], "INSUFFICIENT");
  EXPECT_EQ(f4["brier"]["rate"], 0);
  for (const char* undefined : {"ratio", "slope", "skill_f0"}) {
    for (const Json& value : f4[undefined]) EXPECT_TRUE(value.is_null()) << undefined;
  }
  // One window that differs by a single token's prediction is no identical copy.
  for (const auto& [path, value] :
       std::vector<std::pair<const char*, Json>>{{"per_window.top1_equal.50", 31},
                                                 {"per_window.reordered.3.50", 1},
                                                 {"per_window.reweighted.3.50", 1}}) {
    Json changed = artifact;
    at(changed, path) = value;
    complete(changed);
    EXPECT_EQ(changed["summary"]["outcome"], "CHANGED") << path;
    EXPECT_EQ(judge(changed).verdict, Verdict::reported) << path;
  }
}

TEST(Audit, RareCountsMayAgreeBetweenLayers) {
  const auto same_in = [](size_t windows) {
    Json artifact = made("audit_identical");
    for (size_t w = 0; w < windows; ++w) {
      for (const char* layer : {"3", "5"}) artifact["per_window"]["reordered"][layer][10 + w] = 1;
    }
    complete(artifact);
    return judge(artifact).warnings.size();
  };
  EXPECT_EQ(same_in(9), 0u);
  EXPECT_EQ(same_in(10), 1u);
}

TEST(Audit, OneDocumentHasNoForecast) {
  const Json& artifact = made("audit_one_document");
  EXPECT_TRUE(artifact["summary"]["forecasts"].is_null());
  EXPECT_TRUE(artifact["summary"]["pooled"]["bounds"].is_null());
  EXPECT_TRUE(
      judge(artifact).sentence.ends_with("there is no forecast: all windows are of one document."));
}

TEST(Audit, SplitsAddUp) {
  const Json& summary = made("audit")["summary"];
  const auto rate = [](const Json& of, const char* name) { return of[name]["rate"].get<double>(); };
  for (const char* layer : {"1", "3", "5"}) {
    const Json& of = summary["per_layer"][layer];
    EXPECT_NEAR(rate(of, "phi_gate") + rate(of, "phi_input"), rate(of, "total"), 1e-15);
    EXPECT_NEAR(rate(of, "neighbour") + rate(of, "middle") + rate(of, "far"), rate(of, "flips"),
                1e-15);
  }
  const Json& exchange = summary["two_by_two"];
  const auto mean = [&](const char* name) { return exchange[name]["mean"].get<double>(); };
  EXPECT_NEAR(mean("phi_R") + mean("phi_W"), mean("D"), 1e-15);
  EXPECT_NEAR(exchange["share_R"]["rate"].get<double>() + exchange["share_W"]["rate"].get<double>(),
              1, 1e-12);
}

TEST(Audit, StoredKeysAreOneCheckpoint) {
  Json artifact = made("audit_stored_keys");
  EXPECT_TRUE(judge(artifact).sentence.starts_with("With scored keys and values in 3 bits, "));
  EXPECT_EQ(artifact["summary"]["per_layer"]["1"]["flips"]["rate"], 0);
  EXPECT_GT(artifact["summary"]["per_layer"]["3"]["flips"]["rate"], 0.05);
  // Other ways of storing.
  const auto accepted = [&](const Json& change) {
    for (const auto& [path, value] : change.items()) {
      at(artifact, "settings.key_change." + path) = value;
    }
    seal(artifact);
    const Judgement judgement = judge(artifact);
    EXPECT_EQ(judgement.verdict, Verdict::reported) << judgement.sentence;
  };
  accepted({{"description.fit.documents", "all"}, {"description.fit.sink_positions", 0}});
  accepted({{"description.fit.positions", 33}, {"description.fit.sink_positions", 32}});
  accepted({{"description.scale", "head"}, {"description.rule", "unbiased"}, {"step", "normed"}});
  accepted({{"description.scale", "key"}, {"description.fit", nullptr}});
  accepted({{"description.bits", 1}, {"description.rule", "least_squares"}, {"step", "latent"}});
  accepted({{"description.bits", 4}, {"layers", {2}}});
  // An audit of equal checkpoints says nothing of keys.
  artifact["settings"].erase("key_change");
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::reported);
}

TEST(Audit, TooFewFlipsAreSaid) {
  const Json artifact = audit_of({}, {.equal_gates = true,
                                      .groups = false,
                                      .identical = false,
                                      .one_compute = false,
                                      .change = 0.02,
                                      .stored_keys = false});
  const Judgement judgement = judge(artifact);
  EXPECT_EQ(judgement.verdict, Verdict::reported);
  EXPECT_EQ(artifact["summary"]["forecasts"]["F4"]["pooled"]["calibration"], "INSUFFICIENT");
  EXPECT_LT(artifact["summary"]["forecasts"]["F4"]["pooled"]["flips"], 100);
  EXPECT_TRUE(judgement.sentence.ends_with("too few flip to judge a forecast."))
      << judgement.sentence;
}

TEST(Audit, NeedsNoNumberOfWindows) {
  EXPECT_EQ(judge(make("audit", {.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4}))
                .verdict,
            Verdict::reported);
}

TEST(Audit, ASlopeMayDifferByWhatIterationsLeave) {
  Json artifact = made("audit");
  Json& slope = score_of(artifact, "F4")["slope"];
  slope["value"] = slope["value"].get<double>() + 5e-7;
  slope["ci95"][0] = slope["ci95"][0].get<double>() - 5e-7;
  seal(artifact);
  EXPECT_EQ(judge(artifact).verdict, Verdict::reported);
  slope["value"] = slope["value"].get<double>() + 5e-6;
  seal(artifact);
  EXPECT_EQ(judge(artifact).reasons.at(0).check, "iterated_value");
}

// Every decision of a layer with its probability by F4 and whether it flips.
struct Forecasted {
  double p;
  bool flip;
};
std::vector<Forecasted> decisions_of(const Json& artifact, const char* layer) {
  std::vector<Forecasted> all;
  for (const Json& window : artifact["per_window"]["forecasts"]["F4"][layer]) {
    for (const Json& level : window) {
      for (int i = 0; i < level[1].get<int>(); ++i) {
        all.push_back({level[0].get<double>() / 64, i < level[2].get<int>()});
      }
    }
  }
  return all;
}

TEST(AuditScores, AreThoseOfSingleDecisions) {
  const Json& artifact = made("audit");
  const Json& f4 = artifact["summary"]["forecasts"]["F4"]["per_layer"]["3"];
  std::vector<Forecasted> all = decisions_of(artifact, "3");
  const auto n = static_cast<double>(all.size());
  double p = 0, f = 0, brier = 0, raw = 0;
  for (const Forecasted& one : all) {
    const double flip = one.flip ? 1 : 0;
    p += one.p;
    f += flip;
    raw += (one.p - flip) * (one.p - flip);
    brier += (one.p - flip) * (one.p - flip) - one.p * (1 - one.p) / 63;
  }
  EXPECT_EQ(f4["decisions"], n);
  EXPECT_NEAR(f4["mean_p"], p / n, 1e-12);
  EXPECT_NEAR(f4["ratio"]["rate"], p / f, 1e-12);
  EXPECT_NEAR(f4["brier"]["rate"], brier / n, 1e-12);
  EXPECT_NEAR(f4["rel"].get<double>() - f4["res"].get<double>() + f4["unc"].get<double>() +
                  f4["within"].get<double>(),
              raw / n, 1e-12);
  const Json& f0 = artifact["summary"]["forecasts"]["F0"]["per_layer"]["3"];
  EXPECT_NEAR(f4["skill_f0"]["value"], 1 - brier / n / f0["brier"]["rate"].get<double>(), 1e-12);
  // The score equations of the logistic regression, at the slope that was found.
  const double b = f4["slope"]["value"];
  const auto excess = [&](double a, bool times_x) {
    double sum = 0;
    for (const Forecasted& one : all) {
      const double clipped = std::clamp(one.p, 1 / 128.0, 127 / 128.0);
      const double x = std::log(clipped / (1 - clipped));
      sum += ((one.flip ? 1 : 0) - 1 / (1 + std::exp(-(a + b * x)))) * (times_x ? x : 1);
    }
    return sum;
  };
  double lo = -10, hi = 10;
  for (int i = 0; i < 200; ++i) (excess((lo + hi) / 2, false) > 0 ? lo : hi) = (lo + hi) / 2;
  EXPECT_NEAR(excess(lo, true), 0, 1e-4);  // 1e-7 of the slope
  // Bins by the order statistics of p.
  std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.p < y.p; });
  const auto edge = [&](size_t i) {
    return all[std::max<size_t>(1, (i * all.size() + 9) / 10) - 1].p;
  };
  size_t row = 0, counted = 0;
  for (size_t i = 1; i <= 10; ++i) {
    const auto inside = [&](const Forecasted& one) {
      return one.p >= edge(i - 1) && (i == 10 ? one.p <= edge(10) : one.p < edge(i));
    };
    const auto size = static_cast<size_t>(std::count_if(all.begin(), all.end(), inside));
    if (size == 0) continue;
    ASSERT_LT(row, f4["reliability"].size());
    EXPECT_EQ(f4["reliability"][row++]["n"], size);
    counted += size;
  }
  EXPECT_EQ(row, f4["reliability"].size());
  EXPECT_EQ(counted, all.size());
}

TEST(AuditScores, TheMarginsRateIsOfTheOtherFold) {
  const Json& artifact = made("audit");
  double flips = 0, decisions = 0;
  const Json& p = artifact["per_window"];
  for (size_t w = 0; w < artifact["folds"].size(); ++w) {
    if (artifact["folds"][w] == 1) continue;
    flips += p["flips"]["3"][w].get<double>();
    decisions += 32 - p["n_undefined"]["3"][w].get<double>();
  }
  // F0 has two values; the decisions of fold 1 get the rate of fold 0.
  const Json& rows = artifact["summary"]["forecasts"]["F0"]["per_layer"]["3"]["reliability"];
  ASSERT_EQ(rows.size(), 2u);
  const double of_fold_0 = flips / decisions;
  EXPECT_TRUE(std::abs(rows[0]["p"].get<double>() - of_fold_0) < 1e-12 ||
              std::abs(rows[1]["p"].get<double>() - of_fold_0) < 1e-12);
}

TEST(LogisticSlope, IsTheChangeOfLogOddsBetweenTwoLevels) {
  const audit::Outcome two[] = {{-1, 10, 2}, {1, 10, 8}};
  EXPECT_NEAR(*audit::logistic_slope(two), std::log(4.0), 1e-9);
  const audit::Outcome rare[] = {{-4, 100000, 1}, {-3.5, 0, 0}, {3, 100000, 99990}};
  EXPECT_NEAR(*audit::logistic_slope(rare), (std::log(9999.0) + std::log(99999.0)) / 7, 1e-6);
  const audit::Outcome falling[] = {{-1, 10, 8}, {1, 10, 2}};
  EXPECT_NEAR(*audit::logistic_slope(falling), -std::log(4.0), 1e-9);
}

TEST(LogisticSlope, IsUndefinedWhereNothingLimitsIt) {
  using Outcomes = std::vector<audit::Outcome>;
  for (const Outcomes& outcomes :
       {Outcomes{}, Outcomes{{0, 10, 0}, {1, 10, 0}},                         // no flip
        Outcomes{{0, 10, 10}, {1, 10, 10}},                                   // nothing else
        Outcomes{{1, 10, 5}},                                                 // one x
        Outcomes{{1, 10, 5}, {1, 10, 6}}, Outcomes{{0, 10, 0}, {1, 10, 10}},  // separated
        Outcomes{{0, 10, 0}, {1, 10, 5}},                                     // touching
        Outcomes{{0, 10, 5}, {1, 10, 0}}, Outcomes{{0, 0, 0}, {1, 10, 5}}}) {
    EXPECT_FALSE(audit::logistic_slope(outcomes));
  }
}

}  // namespace
}  // namespace rg::verify::testing
