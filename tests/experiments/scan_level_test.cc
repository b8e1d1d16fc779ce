// How often terminal_ovk_scan passes without an effect (nominal 0.05), and with a clear drop.
#include <gtest/gtest.h>

#include <functional>

#include "experiments/fake_engine.h"
#include "experiments/scan_summary.h"

namespace rg::experiments::testing {
namespace {

// Too few windows for a convergence grid, so that thousands of judgements are quick.
constexpr uint32_t kWindows = 48, kLayers = 4;

// Value of ovk at a layer and window.
using Profile = std::function<double(uint32_t layer, uint32_t window)>;

Json judge(uint64_t seed, const Profile& profile) {
  tap::SequenceSet set;
  set.lengths.assign(kWindows, 12);
  set.ids.assign(kWindows * 12, 0);
  Setting setting{.seed = seed,
                  .moe_layers = {0, 1, 2, 3},
                  .layers = {0, 1, 2, 3},
                  .spec = softmax_spec(8, 2),
                  .width = 8,
                  .allow_small_t = false,
                  .parameters = {{"bootstrap", Json(200)}},
                  .windows = &set,
                  .seq_len = 12,
                  .window_document = std::vector<uint32_t>(kWindows, 0),
                  .domain_index = 0,
                  .threads = 1,
                  .prompts = {},
                  .prompt_set = nullptr,
                  .prompt_set_unmasked = nullptr};
  ScanRecord record(kLayers, kWindows, 8);
  for (uint32_t l = 0; l < kLayers; ++l) {
    for (uint32_t w = 0; w < kWindows; ++w) {
      record.ovk.set(l, w, profile(l, w));
      for (WindowValues* const values : {&record.swap, &record.update_ratio, &record.ovk_other}) {
        values->set(l, w, 0.5);
      }
    }
  }
  Json fields = Json::object();
  reduce_scan(record, setting, fields);
  return fields["summary"];
}

// Levels with independent noise of 0.05.
Profile noisy(uint64_t seed, const std::array<double, kLayers>& levels) {
  return [=](uint32_t l, uint32_t w) { return levels[l] + 0.05 * normal(seed + 300, w, l, 0); };
}

bool passes(const Json& summary) { return summary["convergence"]["verdict"] == "PASS"; }

TEST(ScanLevel, AFlatProfileSeldomPasses) {
  constexpr int kRuns = 1500;
  int passed = 0, below_zero = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    const Json summary = judge(run, noisy(run, {0.8, 0.8, 0.8, 0.8}));
    passed += passes(summary);
    below_zero += summary["max_jump"]["ci95"][1].get<double>() < 0.0;
  }
  EXPECT_LE(passed, 96);  // 75 expected at most; 2.5 standard deviations above are 96.1
  // The largest drop has been picked: its interval lies below 0 far more often than an interval of
  // 2.5 % may, and is never evidence.
  EXPECT_GE(below_zero, kRuns * 4 / 10);
}

TEST(ScanLevel, ACliffIsFound) {
  int passed = 0;
  for (uint64_t run = 0; run < 100; ++run) {
    passed += passes(judge(run, noisy(run, {0.8, 0.8, 0.8, 0.7})));
  }
  EXPECT_EQ(passed, 100);
}

TEST(ScanLevel, ADropThatAnotherNearlyEqualsFails) {
  // Both drops are real; which is the larger one the windows can't tell.
  const Json summary = judge(3, noisy(3, {0.9, 0.7, 0.7, 0.495}));
  EXPECT_LT(summary["terminal_jump"]["ci95"][1].get<double>(), 0.0);
  EXPECT_GT(summary["dominance_probability"].get<double>(), 0.05);
  EXPECT_LT(summary["dominance_probability"].get<double>(), 0.95);
  EXPECT_EQ(summary["argmin_ties"], 0);
  EXPECT_EQ(summary["convergence"]["verdict"], "FAIL");
}

TEST(ScanLevel, AReplicateInWhichAPairIsUndefinedCountsAgainstTheClaim) {
  // Layer 1 is defined in window 0 alone: (47/48)^48 = 36 % of the replicates don't have it.
  const Profile cliff = noisy(4, {0.8, 0.8, 0.8, 0.5});
  const Json summary =
      judge(4, [&](uint32_t l, uint32_t w) { return l == 1 && w > 0 ? kNaN : cliff(l, w); });
  EXPECT_LT(summary["terminal_jump"]["ci95"][1].get<double>(), 0.0);
  EXPECT_NEAR(summary["dominance_probability"].get<double>(), 0.64, 0.12);
  EXPECT_EQ(summary["argmin_ties"], 0);
  EXPECT_EQ(summary["convergence"]["verdict"], "FAIL");
}

}  // namespace
}  // namespace rg::experiments::testing
