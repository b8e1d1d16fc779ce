// What an intervention changes, recomputed from two passes of made-up models: routes and first
// choices by counting, the fields of the artifact by their formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "experiments/fake_engine.h"
#include "experiments/intervention_summary.h"
#include "experiments/live_bytes.h"
#include "support/caught.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kTokens = 37;  // of the vocabulary

std::vector<float> made_up_logits(uint64_t seed, size_t row) {
  std::vector<float> logits(kTokens);
  for (uint32_t i = 0; i < kTokens; ++i) {
    logits[i] = static_cast<float>(2 * normal(seed, i, static_cast<uint32_t>(row), 0));
  }
  return logits;
}

// Three rows of four keep the plain pass's logits.
std::vector<float> touched_logits(size_t row) { return made_up_logits(row % 4 == 0 ? 6 : 5, row); }

FakeModel made_up(uint64_t seed, uint32_t windows = 24) {
  Shape shape;
  shape.vocabulary = kTokens;
  shape.seq_len = 12;
  shape.layers = 3;
  shape.k = 3;
  shape.windows = windows;
  shape.seed = seed;
  return FakeModel(shape, softmax_spec(8, 3), {});
}

// Two models stand for the two passes: same windows, other routes and outputs.
struct Passes {
  explicit Passes(uint64_t touched_seed, const Feeding& feeding = {})
      : plain(made_up(1)),
        touched(made_up(touched_seed)),
        setting(of_two_layers(plain)),
        touched_setting(of_two_layers(touched)) {
    const bool same = touched_seed == 1;
    plain.next_logits = [](size_t, size_t row) { return made_up_logits(5, row); };
    touched.next_logits = [same](size_t, size_t row) {
      return same ? made_up_logits(5, row) : touched_logits(row);
    };
    touched.reference_logits = plain.next_logits;
    touched.sets = plain.sets;
    routes = std::make_unique<RouteRecord>(setting);
    plain_outputs = std::make_unique<OutputRecord>(setting.windows, setting.seq_len);
    outputs = std::make_unique<OutputRecord>(touched_setting.windows, setting.seq_len);
    change = std::make_unique<RouteChange>(touched_setting, *routes, *plain_outputs);
    tap::Observer* const first[] = {routes.get(), plain_outputs.get()};
    tap::Observer* const second[] = {change.get(), outputs.get()};
    run(plain, first, feeding);
    run(touched, second, feeding);
  }
  static Setting of_two_layers(const FakeModel& model) {
    Setting setting = model.setting();
    setting.layers = {0, 2};
    return setting;
  }
  Json reduced(std::optional<int> lowest) const {
    const InterventionFacts facts{.intervention = {{"interventions", Json::array()}},
                                  .lowest_layer = lowest,
                                  .replicates = 300};
    return reduce_intervention(touched_setting, facts, *plain_outputs, *outputs, *change).fields;
  }
  std::set<int32_t> set_of(const FakeModel& model, int layer, size_t row) const {
    const auto& ranked = model.trace(layer, 0).ranked;
    const auto first = ranked.begin() + static_cast<ptrdiff_t>(row * 4);
    return {first, first + 3};
  }

  FakeModel plain, touched;
  Setting setting, touched_setting;
  std::unique_ptr<RouteRecord> routes;
  std::unique_ptr<OutputRecord> plain_outputs, outputs;
  std::unique_ptr<RouteChange> change;
};

struct Counted {
  uint64_t mass = 0, changed = 0;
};
Counted count_changes(const Passes& passes, int layer, size_t window) {
  Counted counted;
  for (size_t t = 0; t + 1 < 12; ++t) {
    const auto before = passes.set_of(passes.plain, layer, window * 12 + t);
    const auto after = passes.set_of(passes.touched, layer, window * 12 + t);
    std::vector<int32_t> kept;
    std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                          std::back_inserter(kept));
    counted.mass += 3 - kept.size();
    counted.changed += before != after;
  }
  return counted;
}

TEST(RouteChange, CountsWhatIsRoutedOtherwise) {
  const Passes passes(2);
  uint64_t partly = 0;
  for (size_t slot = 0; slot < 2; ++slot) {
    for (size_t w = 0; w < 24; ++w) {
      const Counted expected = count_changes(passes, slot == 0 ? 0 : 2, w);
      EXPECT_EQ(passes.change->mass().at(slot, w), expected.mass);
      EXPECT_EQ(passes.change->changed().at(slot, w), expected.changed);
      partly += expected.mass > expected.changed;
    }
  }
  EXPECT_GT(partly, 0u);
}

TEST(RouteChange, CountsFirstChoicesThatStay) {
  const Passes passes(2);
  uint64_t other = 0;
  for (size_t w = 0; w < 24; ++w) {
    uint64_t equal = 0;
    for (size_t row = w * 12; row + 1 < (w + 1) * 12; ++row) {
      const auto best = [](const std::vector<float>& logits) {
        return std::max_element(logits.begin(), logits.end()) - logits.begin();
      };
      equal += best(touched_logits(row)) == best(made_up_logits(5, row));
    }
    EXPECT_EQ(passes.change->top1_equal()[w], equal);
    other += 11 - equal;
  }
  EXPECT_GT(other, 0u);
}

TEST(RouteChange, DoesntDependOnBlocksThreadsOrOrder) {
  const std::string first = write_json(Passes(2).reduced(0), JsonLayout::compact);
  for (const Feeding& feeding :
       {Feeding{.threads = 1, .block_sequences = 1, .logit_rows = 1},
        Feeding{.threads = 3, .block_sequences = 7, .logit_rows = 12},
        Feeding{.threads = 2, .block_sequences = 5, .backwards = true, .logit_rows = 11}}) {
    EXPECT_EQ(write_json(Passes(2, feeding).reduced(0), JsonLayout::compact), first);
  }
}

// A NaN is no first choice, and of equal logits the lowest id is.
TEST(RouteChange, KnowsAFirstChoiceAmongOddLogits) {
  Passes passes(1);
  passes.plain.next_logits = [](size_t, size_t) { return std::vector<float>(kTokens, 1.0f); };
  passes.touched.reference_logits = passes.plain.next_logits;
  passes.touched.next_logits = [](size_t, size_t row) {
    std::vector<float> logits(kTokens, 1.0f);
    if (row % 12 == 3) logits[0] = std::numeric_limits<float>::quiet_NaN();
    if (row % 12 == 5) logits[1] = 2.0f;
    return logits;
  };
  RouteChange change(passes.touched_setting, *passes.routes, *passes.plain_outputs);
  tap::Observer* const observer = &change;
  run(passes.touched, {&observer, 1}, {});
  for (const uint64_t equal : change.top1_equal()) EXPECT_EQ(equal, 11u - 2);
}

TEST(RouteChange, HoldsWhatItTellsThePlanFromTheFirstLayerOn) {
  FakeModel plain = made_up(1, 200);
  plain.next_logits = [](size_t, size_t row) { return made_up_logits(5, row); };
  plain.reference_logits = plain.next_logits;
  const Setting setting = plain.setting();
  const size_t before = live_bytes();
  RouteRecord routes(setting);
  OutputRecord outputs(setting.windows, setting.seq_len);
  RouteChange change(setting, routes, outputs);
  EXPECT_LE(live_bytes() - before, 4'000u);
  EXPECT_EQ(routes.needs().held_bytes, 3u * 200 * 11 * 3 * sizeof(uint16_t));
  EXPECT_FALSE(routes.needs().logits);
  tap::Observer* const first[] = {&routes, &outputs};
  run(plain, first, {});
  tap::Observer* const second = &change;
  run(plain, {&second, 1}, {});
  const size_t told = change.needs().held_bytes, live = live_bytes() - before;
  EXPECT_TRUE(change.needs().logits);
  EXPECT_LE(live, told + told / 50 + 16'000);
  EXPECT_LE(told, live);
}

double mean_of_windows(const Json& values) {
  double sum = 0;
  for (const Json& value : values) sum += value.get<double>();
  return sum / static_cast<double>(values.size());
}

TEST(ReduceIntervention, GivesMeansRatesAndWhatLiesAboveTheLowestTouchedLayer) {
  const Passes passes(2);
  const Json fields = passes.reduced(0);
  const Json &windows = fields["per_window"], &summary = fields["summary"];
  EXPECT_EQ(fields["layers"], Json({0, 2}));
  EXPECT_EQ(fields["kl_direction"], "p_intervened||p_plain");
  EXPECT_EQ(summary["outcome"], "CHANGED");
  EXPECT_EQ(summary["verdict"], "REPORTED");
  EXPECT_EQ(summary["bootstrap"]["B"], 300);
  for (const char* name : {"loss_plain", "loss", "kl"}) {
    ASSERT_EQ(windows[name].size(), 24u);
    EXPECT_NEAR(summary[name]["mean"].get<double>(), mean_of_windows(windows[name]), 1e-12) << name;
    EXPECT_LT(summary[name]["ci95"][0], summary[name]["mean"]);
    EXPECT_LT(summary[name]["mean"], summary[name]["ci95"][1]);
  }
  EXPECT_NEAR(summary["loss_delta"]["mean"].get<double>(),
              mean_of_windows(windows["loss"]) - mean_of_windows(windows["loss_plain"]), 1e-12);
  EXPECT_NEAR(summary["top1"]["rate"].get<double>(), mean_of_windows(windows["top1_equal"]) / 11,
              1e-12);
  for (const char* layer : {"0", "2"}) {
    const Json& block = summary["per_layer"][layer];
    EXPECT_NEAR(block["overlap"]["rate"].get<double>(),
                1 - mean_of_windows(windows["mass"][layer]) / 33, 1e-12);
    EXPECT_NEAR(block["changed"]["rate"].get<double>(),
                mean_of_windows(windows["changed"][layer]) / 11, 1e-12);
    EXPECT_LE(block["overlap"]["ci95"][0], block["overlap"]["rate"]);
    EXPECT_LE(block["overlap"]["rate"], block["overlap"]["ci95"][1]);
  }
  EXPECT_EQ(summary["downstream"], summary["per_layer"]["2"]);
  EXPECT_FALSE(fields.contains("null_reasons"));

  // Above a layer below all measured ones lie both.
  const Json both = passes.reduced(-1)["summary"]["downstream"];
  EXPECT_NEAR(both["overlap"]["rate"].get<double>(),
              (summary["per_layer"]["0"]["overlap"]["rate"].get<double>() +
               summary["per_layer"]["2"]["overlap"]["rate"].get<double>()) /
                  2,
              1e-12);
}

TEST(ReduceIntervention, SaysWhyNothingLiesDownstream) {
  const Passes passes(2);
  for (const auto& [lowest, words] :
       {std::pair<std::optional<int>, std::string>{2, "no measured layer lies above"},
        {std::nullopt, "no layer is touched"}}) {
    const Json fields = passes.reduced(lowest);
    EXPECT_TRUE(fields["summary"]["downstream"].is_null());
    const auto reason = fields["null_reasons"]["summary.downstream"].get<std::string>();
    EXPECT_NE(reason.find(words), std::string::npos) << reason;
  }
}

TEST(ReduceIntervention, FindsTwoEqualPassesUnchanged) {
  const Json fields = Passes(1).reduced(std::nullopt);
  const Json& summary = fields["summary"];
  EXPECT_EQ(summary["outcome"], "UNCHANGED");
  EXPECT_EQ(summary["kl"]["mean"], 0.0);
  EXPECT_EQ(summary["kl"]["ci95"], Json({0.0, 0.0}));
  EXPECT_EQ(summary["loss_delta"]["mean"], 0.0);
  EXPECT_EQ(summary["top1"]["rate"], 1.0);
  EXPECT_EQ(summary["per_layer"]["2"]["overlap"]["ci95"], Json({1.0, 1.0}));
  EXPECT_EQ(fields["per_window"]["loss"], fields["per_window"]["loss_plain"]);
}

TEST(ReduceIntervention, RefusesOutputsThatAreNoDistribution) {
  Passes passes(1);
  passes.touched.next_logits = [](size_t, size_t row) {
    std::vector<float> logits = made_up_logits(5, row);
    if (row == 3 * 12 + 4) logits[1] = std::numeric_limits<float>::quiet_NaN();
    return logits;
  };
  OutputRecord outputs(passes.touched_setting.windows, passes.setting.seq_len);
  tap::Observer* const observer = &outputs;
  run(passes.touched, {&observer, 1}, {});
  const InterventionFacts facts{.intervention = {}, .lowest_layer = 0, .replicates = 200};
  const auto error = test::caught([&] {
    reduce_intervention(passes.touched_setting, facts, *passes.plain_outputs, outputs,
                        *passes.change);
  });
  EXPECT_EQ(error.id, ErrorId::RT012);
  EXPECT_TRUE(error.says("window 3 of the pass with the intervention")) << error.line;
}

}  // namespace
}  // namespace rg::experiments::testing
