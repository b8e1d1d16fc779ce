// How often V3 passes when nothing is there (nominal 0.05), and when a cliff is.
#include <gtest/gtest.h>

#include "experiments/fake_engine.h"
#include "experiments/scan_summary.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kWindows = 60, kLayers = 4;

struct Outcome {
  bool passes, max_jump_below_zero;
};

Outcome judge(uint64_t seed, double cliff) {
  tap::SequenceSet set;
  set.lengths.assign(kWindows, 12);
  set.ids.assign(kWindows * 12, 0);
  Setting setting{.seed = seed,
                  .bootstrap_replicates = 200,
                  .moe_layers = {0, 1, 2, 3},
                  .layers = {0, 1, 2, 3},
                  .spec = softmax_spec(8, 2),
                  .width = 8,
                  .allow_small_t = false,
                  .parameters = {},
                  .windows = &set,
                  .seq_len = 12,
                  .window_document = std::vector<uint32_t>(kWindows, 0),
                  .domain_index = 0,
                  .threads = 1,
                  .prompts = {},
                  .prompt_set = nullptr,
                  .prompt_set_unmasked = nullptr};
  ScanRecord record(kLayers, kWindows);
  for (uint32_t l = 0; l < kLayers; ++l) {
    for (uint32_t w = 0; w < kWindows; ++w) {
      const double level = l + 1 == kLayers ? 0.8 - cliff : 0.8;
      record.ovk.at(l, w) = level + 0.05 * normal(seed + 300, w, l, 0);
      record.swap.at(l, w) = record.update_ratio.at(l, w) = record.ovk_other.at(l, w) = 0.5;
    }
  }
  Json fields = Json::object();
  reduce_scan(record, setting, fields);
  return {fields["summary"]["convergence"]["verdict"] == "PASS",
          fields["summary"]["max_jump"]["ci95"][1].get<double>() < 0.0};
}

TEST(ScanLevel, AFlatProfileSeldomPasses) {
  int passed = 0, below_zero = 0;
  for (uint64_t run = 0; run < 100; ++run) {
    const Outcome outcome = judge(run, 0);
    passed += outcome.passes;
    below_zero += outcome.max_jump_below_zero;
  }
  EXPECT_LE(passed, 14);  // 5 expected; four standard deviations above
  // The largest drop has been picked: its interval lies below 0 far more often than an interval of
  // 2.5 % may, and is never evidence.
  EXPECT_GE(below_zero, 40);
}

TEST(ScanLevel, ACliffIsFound) {
  int passed = 0;
  for (uint64_t run = 0; run < 20; ++run) passed += judge(run, 0.1).passes;
  EXPECT_EQ(passed, 20);
}

}  // namespace
}  // namespace rg::experiments::testing
