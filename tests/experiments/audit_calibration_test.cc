// Scores of forecasts: a small example by hand, identities on larger ones, and the two labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "experiments/audit/calibration.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

Statistician windows_of_own(uint32_t windows, uint32_t replicates) {
  std::vector<uint32_t> documents(windows);
  std::iota(documents.begin(), documents.end(), 0u);
  return Statistician(documents, replicates, 7);
}

Json score(const ForecastLevels& own, const Statistician& statistician, bool drawn = false,
           const ForecastLevels* f0 = nullptr, const ForecastLevels* f1 = nullptr) {
  Nulls nulls;
  return score_json(own, drawn, f0, f1, true, statistician, nulls, "s");
}

double value_of(const Json& block, const char* name) { return block.at(name).get<double>(); }

// Percentile interval of a function of the replicate's counts of two windows.
template <typename Statistic>
Json interval_by_counts(const Statistician& statistician, const Statistic& statistic) {
  std::vector<double> values;
  for (size_t b = 0; b < statistician.table().replicates(); ++b) {
    const double value =
        statistic(statistician.table().of_unit(0)[b], statistician.table().of_unit(1)[b]);
    if (!std::isnan(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  const auto rank = [&](double q) {
    return values[static_cast<size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1];
  };
  return {rank(0.025), rank(0.975)};
}

void expect_near(const Json& interval, const Json& expected) {
  ASSERT_EQ(interval.size(), 2u);
  for (size_t end = 0; end < 2; ++end) {
    EXPECT_NEAR(interval[end].get<double>(), expected[end].get<double>(), 1e-12);
  }
}

// 8 decisions of p = 1/4 with 3 flips and 8 of p = 3/4 with 6, in two windows; p = 1/4 comes in
// two parts, and last.
const ForecastLevels kSmall = {{.p = 0.75, .decisions = {2, 6}, .flips = {1, 5}},
                               {.p = 0.25, .decisions = {3, 1}, .flips = {0, 1}},
                               {.p = 0.25, .decisions = {1, 3}, .flips = {1, 1}}};

TEST(AuditCalibration, MeansAndLossByHand) {
  const Statistician statistician = windows_of_own(2, 250);
  const Json raw = score(kSmall, statistician);
  EXPECT_EQ(raw.at("decisions"), 16);
  EXPECT_EQ(raw.at("flips"), 9);
  EXPECT_EQ(raw.at("mean_p"), 0.5);
  EXPECT_EQ(raw.at("mean_f"), 0.5625);
  EXPECT_DOUBLE_EQ(value_of(raw.at("ratio"), "rate"), 8.0 / 9);
  // Sums of p: 1 + 1.5 and 1 + 4.5; flips 2 and 7.
  expect_near(raw.at("ratio").at("ci95"), interval_by_counts(statistician, [](double a, double b) {
                return (2.5 * a + 5.5 * b) / (2 * a + 7 * b);
              }));
  // (3 (3/4)^2 + 5 (1/4)^2 + 6 (1/4)^2 + 2 (3/4)^2) / 16
  EXPECT_DOUBLE_EQ(value_of(raw.at("brier"), "rate"), 3.5 / 16);
  const double noise = 0.25 * 0.75 / 63;
  const Json drawn = score(kSmall, statistician, true);
  EXPECT_DOUBLE_EQ(value_of(drawn.at("brier"), "rate"), 3.5 / 16 - noise);
  // Losses: window 0 9/16 + 3/16 + 1/16 + 9/16, window 1 2 * 9/16 + 2/16 + 5/16 + 9/16.
  expect_near(
      drawn.at("brier").at("ci95"), interval_by_counts(statistician, [&](double a, double b) {
        return (a * (22 - 6 * 16 * noise) + b * (34 - 10 * 16 * noise)) / 16 / (6 * a + 10 * b);
      }));
  EXPECT_EQ(drawn.at("within"), raw.at("within"));
}

TEST(AuditCalibration, SlopeAndSkillByHand) {
  const Statistician statistician = windows_of_own(2, 250);
  // Flips in 3 of 8 and 6 of 8 at logits -ln 3 and ln 3.
  const ForecastLevels f0 = {{.p = 0.5, .decisions = {6, 10}, .flips = {2, 7}}};
  const ForecastLevels f1 = {{.p = 0.375, .decisions = {4, 4}, .flips = {1, 2}},
                             {.p = 0.75, .decisions = {2, 6}, .flips = {1, 5}}};
  const Json json = score(kSmall, statistician, true, &f0, &f1);
  EXPECT_NEAR(value_of(json.at("slope"), "value"), std::log(5.0) / (2 * std::log(3.0)), 1e-10);
  const double noise = 0.25 * 0.75 / 63, brier = 3.5 / 16 - noise;
  EXPECT_DOUBLE_EQ(value_of(json.at("skill_f0"), "value"), 1 - brier / 0.25);
  // (3 (5/8)^2 + 5 (3/8)^2 + 1.5) / 16
  EXPECT_DOUBLE_EQ(value_of(json.at("skill_f1"), "value"), 1 - brier / (3.375 / 16));
  expect_near(json.at("skill_f0").at("ci95"),
              interval_by_counts(statistician, [&](double a, double b) {
                return 1 - (a * (22 - 6 * 16 * noise) + b * (34 - 10 * 16 * noise)) / 16 /
                               (6 * a + 10 * b) / 0.25;
              }));
}

TEST(AuditCalibration, ReliabilityByHand) {
  const Statistician statistician = windows_of_own(2, 250);
  const Json json = score(kSmall, statistician);
  // Edges 1 to 5 are 1/4 (ranks 2 to 8), the others 3/4: two bins.
  const Json& bins = json.at("reliability");
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].at("p"), 0.25);
  EXPECT_EQ(bins[0].at("f"), 0.375);
  EXPECT_EQ(bins[0].at("n"), 8);
  EXPECT_EQ(bins[1].at("p"), 0.75);
  EXPECT_EQ(bins[1].at("f"), 0.75);
  EXPECT_EQ(bins[1].at("n"), 8);
  expect_near(bins[0].at("ci95"), interval_by_counts(statistician, [](double a, double b) {
                return (a + 2 * b) / (4 * a + 4 * b);
              }));
  EXPECT_DOUBLE_EQ(json.at("rel").get<double>(), 8 * 0.125 * 0.125 / 16);
  EXPECT_DOUBLE_EQ(json.at("res").get<double>(), 0.1875 * 0.1875);
  EXPECT_DOUBLE_EQ(json.at("unc").get<double>(), 0.5625 * 0.4375);
  EXPECT_NEAR(json.at("within").get<double>(), 0, 1e-15);  // p is one number in each bin
  EXPECT_EQ(json.at("calibration"), "INSUFFICIENT");
  EXPECT_EQ(json.at("information"), "INSUFFICIENT");
}

// 100 decisions of p = 0, 0.01, .. 0.99: bins of ten, each with its width.
TEST(AuditCalibration, TheDecompositionAddsUpToTheRawLoss) {
  ForecastLevels levels;
  double raw = 0, flips = 0, rel = 0, res = 0;
  std::array<double, 10> p_sum{}, f_sum{}, n{};
  for (uint32_t i = 0; i < 100; ++i) {
    const bool flipped = normal(5, i, 0, 0) < i * 0.02 - 1;
    const double p = i / 100.0, f = flipped ? 1 : 0;
    ForecastLevel level{.p = p, .decisions = {0, 0}, .flips = {0, 0}};
    level.decisions[i % 2] = 1;
    level.flips[i % 2] = flipped ? 1 : 0;
    levels.push_back(level);
    raw += (p - f) * (p - f) / 100;
    flips += f;
    // Edge i of [e_i, e_{i+1}) is the decision of rank 10 i: the first bin ends below it.
    const size_t bin = std::min<size_t>((i + 1) / 10, 9);
    p_sum[bin] += p;
    f_sum[bin] += f;
    n[bin] += 1;
  }
  const Json json = score(levels, windows_of_own(2, 200));
  ASSERT_EQ(json.at("reliability").size(), 10u);
  for (size_t bin = 0; bin < 10; ++bin) {
    EXPECT_EQ(json.at("reliability")[bin].at("n"), n[bin]);
    EXPECT_NEAR(value_of(json.at("reliability")[bin], "p"), p_sum[bin] / n[bin], 1e-14);
    EXPECT_NEAR(value_of(json.at("reliability")[bin], "f"), f_sum[bin] / n[bin], 1e-14);
    rel += std::pow(p_sum[bin] - f_sum[bin], 2) / n[bin] / 100;
    res += n[bin] * std::pow(f_sum[bin] / n[bin] - flips / 100, 2) / 100;
  }
  EXPECT_NEAR(value_of(json, "rel"), rel, 1e-14);
  EXPECT_NEAR(value_of(json, "res"), res, 1e-14);
  EXPECT_NEAR(value_of(json, "rel") - value_of(json, "res") + value_of(json, "unc") +
                  value_of(json, "within"),
              raw, 1e-15);
  EXPECT_NE(value_of(json, "within"), 0);
}

// Ten levels in forty windows whose flips are what `truth` says of p, spread over the windows.
ForecastLevels forecast_of(const std::function<double(double)>& truth) {
  ForecastLevels levels;
  for (uint32_t l = 0; l < 10; ++l) {
    ForecastLevel level{.p = (l + 0.5) / 10, .decisions = {}, .flips = {}};
    double owed = 0;
    for (uint32_t w = 0; w < 40; ++w) {
      owed += 20 * truth(level.p);
      const auto flips = static_cast<uint32_t>(owed);
      owed -= flips;
      level.decisions.push_back(20);
      level.flips.push_back(flips);
    }
    levels.push_back(level);
  }
  return levels;
}

TEST(AuditCalibration, LabelsSayWhatTheIntervalsShow) {
  const Statistician statistician = windows_of_own(40, 300);
  const ForecastLevels right = forecast_of([](double p) { return p; });
  const ForecastLevels bold = forecast_of([](double p) { return 0.35 + 0.3 * p; });
  const ForecastLevels high = forecast_of([](double p) { return 0.6 * p; });
  ForecastLevels flat = right;
  for (ForecastLevel& level : flat) level.p = 0.5;
  const auto labels = [&](const ForecastLevels& own, const ForecastLevels* f1) {
    const Json json = score(own, statistician, true, &flat, f1);
    return std::pair(json.at("calibration").get<std::string>(),
                     json.at("information").get<std::string>());
  };
  EXPECT_EQ(labels(right, &flat), std::pair(std::string("CALIBRATED"), std::string("INFORMATIVE")));
  EXPECT_EQ(score(right, statistician, false, &flat, &right).at("information"), "NOT_INFORMATIVE");
  EXPECT_EQ(labels(right, nullptr).second, "NOT_INFORMATIVE");
  EXPECT_EQ(labels(bold, &flat).first, "NOT_CALIBRATED");  // its ratio is 1, its slope isn't
  EXPECT_NEAR(value_of(score(bold, statistician).at("ratio"), "rate"), 1, 2e-3);
  EXPECT_EQ(labels(high, &flat).first, "NOT_CALIBRATED");
}

TEST(AuditCalibration, AHundredFlipsAreEnough) {
  const Statistician statistician = windows_of_own(10, 200);
  const auto label = [&](uint32_t flips) {
    ForecastLevels levels = {{.p = 0.1, .decisions = {}, .flips = {}}};
    for (uint32_t w = 0; w < 10; ++w) {
      levels[0].decisions.push_back(100);
      levels[0].flips.push_back(w == 0 ? flips - 90 : 10);
    }
    Nulls nulls;
    return score_json(levels, false, nullptr, nullptr, false, statistician, nulls, "s")
        .at("calibration")
        .get<std::string>();
  };
  EXPECT_EQ(label(99), "INSUFFICIENT");
  EXPECT_EQ(label(100), "CALIBRATED");  // F0 is judged by its ratio alone
}

TEST(AuditCalibration, WhatIsUndefinedIsNullWithAReason) {
  const Statistician statistician = windows_of_own(2, 200);
  Nulls nulls;
  const ForecastLevels none = {{.p = 0.5, .decisions = {0, 0}, .flips = {0, 0}}};
  const ForecastLevels calm = {{.p = 0, .decisions = {3, 4}, .flips = {0, 0}}};
  const Json empty = score_json(none, true, &none, nullptr, true, statistician, nulls, "a.b");
  const Json still = score_json(calm, true, &calm, nullptr, false, statistician, nulls, "c");
  EXPECT_TRUE(empty.at("mean_p").is_null());
  EXPECT_TRUE(empty.at("ratio").at("rate").is_null());
  EXPECT_TRUE(empty.at("brier").at("ci95").is_null());
  EXPECT_TRUE(empty.at("within").is_null());
  EXPECT_TRUE(empty.at("reliability").empty());
  EXPECT_TRUE(empty.at("skill_f1").is_null());
  EXPECT_EQ(still.at("mean_p"), 0);
  EXPECT_EQ(still.at("brier").at("rate"), 0);
  EXPECT_TRUE(still.at("ratio").at("rate").is_null());
  EXPECT_TRUE(still.at("slope").is_null());
  EXPECT_TRUE(still.at("skill_f0").at("value").is_null());  // the reference has no loss
  EXPECT_EQ(still.at("reliability").size(), 1u);
  Json fields = Json::object();
  nulls.add_to(fields);
  for (const char* path : {"a.b.mean_p", "a.b.mean_f", "a.b.ratio", "a.b.slope", "a.b.brier",
                           "a.b.skill_f0", "a.b.skill_f1", "a.b.rel", "a.b.res", "a.b.unc",
                           "a.b.within", "c.ratio", "c.slope", "c.skill_f0", "c.skill_f1"}) {
    EXPECT_TRUE(fields.at("null_reasons").contains(path)) << path;
  }
  EXPECT_EQ(fields.at("null_reasons").size(), 15u);
}

TEST(AuditCalibration, MembersStandInTheOrderOfTheContract) {
  const Json json = score(kSmall, windows_of_own(2, 200));
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"decisions", "flips", "mean_p", "mean_f", "ratio", "slope",
                                      "brier", "skill_f0", "skill_f1", "reliability", "rel", "res",
                                      "unc", "within", "calibration", "information"}));
}

TEST(AuditCalibration, LevelsOfDrawsAreSixtyFourths) {
  const DrawCounts counts{.of_window = {{{0, 5, 1}, {64, 2, 2}}, {}, {{0, 1, 0}, {16, 3, 1}}}};
  const ForecastLevels levels = levels_of(counts);
  ASSERT_EQ(levels.size(), 3u);
  EXPECT_EQ(levels[0].p, 0);
  EXPECT_EQ(levels[0].decisions, (std::vector<uint32_t>{5, 0, 1}));
  EXPECT_EQ(levels[0].flips, (std::vector<uint32_t>{1, 0, 0}));
  EXPECT_EQ(levels[1].p, 0.25);
  EXPECT_EQ(levels[1].decisions, (std::vector<uint32_t>{0, 0, 3}));
  EXPECT_EQ(levels[2].p, 1);
  EXPECT_EQ(levels[2].flips, (std::vector<uint32_t>{2, 0, 0}));
}

}  // namespace
}  // namespace rg::experiments::testing
