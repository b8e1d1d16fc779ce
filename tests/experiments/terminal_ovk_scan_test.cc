#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "experiments/common.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kT = 32;

// The gate's set at norm(x), in plain double arithmetic.
std::vector<int32_t> choose(const FakeModel& model, int layer, const std::vector<double>& x) {
  const LayerWeights& weights = model.weights(layer);
  const size_t d = model.shape.width;
  double squares = 0;
  for (const double value : x) squares += value * value;
  const double r = 1 / std::sqrt(squares / double(d) + double(FakeModel::kEpsilon));
  std::vector<std::pair<double, int32_t>> scores;
  for (uint32_t e = 0; e < model.shape.experts; ++e) {
    double z = 0;
    for (size_t i = 0; i < d; ++i) {
      z += double(weights.router[e * d + i]) * x[i] * r * double(weights.gain[i]);
    }
    scores.emplace_back(-z, int32_t(e));
  }
  std::sort(scores.begin(), scores.end());
  std::vector<int32_t> top;
  for (uint32_t i = 0; i < model.shape.k; ++i) top.push_back(scores[i].second);
  return top;
}

struct Expected {
  double ovk = 0, swap = 0, ratio = 0, other = 0;
};

Expected brute_force(const FakeModel& model, int layer, size_t window, uint64_t seed) {
  const Trace& trace = model.trace(layer, 0);
  const size_t d = model.shape.width, k = model.shape.k;
  const auto at = [&](const std::vector<float>& rows, uint32_t t) {
    return std::span<const float>(rows).subspan((window * model.shape.seq_len + t) * d, d);
  };
  const auto norm = [](std::span<const float> x) {
    double sum = 0;
    for (const float value : x) sum += double(value) * double(value);
    return std::sqrt(sum);
  };
  Expected sum;
  for (uint32_t t = 0; t < kT; ++t) {
    const int32_t* ranked = trace.ranked.data() + (window * model.shape.seq_len + t) * (k + 1);
    const std::set<int32_t> set(ranked, ranked + k);
    const auto x = at(trace.residual_pre, t), u = at(trace.update, t);
    const uint32_t drawn =
        draw_below(kT - 1, seed, Purpose::other_update, {t, uint32_t(window), uint32_t(layer)});
    const auto v = at(trace.update, drawn < t ? drawn : drawn + 1);
    std::vector<double> post(d), rescaled(d);
    for (size_t i = 0; i < d; ++i) {
      post[i] = double(x[i]) + double(u[i]);
      rescaled[i] = double(x[i]) + norm(u) / norm(v) * double(v[i]);
    }
    const auto own = choose(model, layer, post), other = choose(model, layer, rescaled);
    for (const int32_t e : own) sum.ovk += set.contains(e);
    for (const int32_t e : other) sum.other += set.contains(e);
    sum.swap += ranked[k - 1] != own.back();
    sum.ratio += norm(u) / norm(x);
  }
  return {sum.ovk / double(k * kT), sum.swap / kT, sum.ratio / kT, sum.other / double(k * kT)};
}

TEST(TerminalScan, EqualsABruteForceScan) {
  Shape shape;
  shape.k = 3;
  const FakeModel model(shape, softmax_spec(8, 3), {});
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {2, 5, false}).fields;
  double seen_low = 1;
  for (int layer = 0; layer < 4; ++layer) {
    const std::string key = std::to_string(layer);
    for (size_t w = 0; w < 24; w += 5) {
      const Expected expected = brute_force(model, layer, w, 42);
      const Json& found = fields["per_window"];
      // Counts are exact: the margins of this model are far above rounding.
      EXPECT_EQ(found["ovk_cf_mean"][key][w], expected.ovk);
      EXPECT_EQ(found["swap_k_mean"][key][w], expected.swap);
      EXPECT_EQ(found["ovk_cf_other"][key][w], expected.other);
      EXPECT_NEAR(found["update_ratio"][key][w].get<double>(), expected.ratio, 1e-6);
      seen_low = std::min(seen_low, expected.ovk);
    }
  }
  EXPECT_LT(seen_low, 0.95);  // the fixture does change sets
}

FakeModel cliff(int at_layer) {
  Shape shape;
  shape.windows = 60;
  shape.layers = 5;
  FakeModel::Hooks hooks;
  // Small updates everywhere but at one layer.
  hooks.expert_scale = [at_layer](int layer) { return layer == at_layer ? 12.0f : 0.3f; };
  return FakeModel(shape, softmax_spec(8, 2), hooks);
}

TEST(TerminalScan, FindsACliffAtTheTerminalLayer) {
  const FakeModel model = cliff(4);
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {}).fields;
  const Json& summary = fields["summary"];
  EXPECT_EQ(summary["max_jump"]["pair"], "3->4");
  EXPECT_EQ(summary["terminal_jump"]["pair"], "3->4");
  EXPECT_EQ(summary["dominance_probability"], 1.0);
  EXPECT_LT(summary["terminal_jump"]["ci95"][1].get<double>(), 0.0);
  EXPECT_EQ(summary["convergence"]["verdict"], "PASS");
  EXPECT_EQ(summary["convergence"]["grid"][0]["agreement"], 1.0);
  EXPECT_EQ(summary["argmin_ties"], 0);
  EXPECT_NEAR(summary["size_share"]["mean"].get<double>() +
                  summary["direction_share"]["mean"].get<double>(),
              1 - summary["per_layer"]["4"]["ovk_cf_mean"].get<double>(), 1e-12);
}

TEST(TerminalScan, ACliffElsewhereFails) {
  const FakeModel model = cliff(2);
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {}).fields;
  const Json& summary = fields["summary"];
  EXPECT_EQ(summary["max_jump"]["pair"], "1->2");
  EXPECT_EQ(summary["terminal_jump"]["pair"], "3->4");
  EXPECT_EQ(summary["dominance_probability"], 0.0);
  EXPECT_EQ(summary["convergence"]["verdict"], "FAIL");
  EXPECT_LT(summary["convergence"]["z"].get<double>(), 0.0);
  EXPECT_TRUE(summary["convergence"]["n_for_90"].is_null());
}

TEST(TerminalScan, TiesOfJumpsCountAgainstTheTerminalPair) {
  Shape shape;
  shape.windows = 20;
  FakeModel::Hooks hooks;
  hooks.expert_scale = [](int) { return 0.0f; };  // nothing ever changes: all jumps are 0
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json summary = measure(model, model.setting(), "terminal_ovk_scan", {}).fields["summary"];
  EXPECT_EQ(summary["dominance_probability"], 0.0);
  EXPECT_EQ(summary["argmin_ties"], 200);
  EXPECT_EQ(summary["per_layer"]["3"]["ovk_cf_mean"], 1.0);
  EXPECT_EQ(summary["terminal_jump"]["probability"], 0.0);
}

TEST(TerminalScan, TwoLayersAreDegenerate) {
  const FakeModel model = cliff(4);
  Setting setting = model.setting();
  setting.layers = {1, 4};
  const Json fields = measure(model, setting, "terminal_ovk_scan", {}).fields;
  EXPECT_EQ(fields["layers"], Json({1, 4}));
  EXPECT_EQ(fields["summary"]["terminal_jump"]["pair"], "1->4");
  EXPECT_EQ(fields["summary"]["convergence"]["verdict"], "DEGENERATE");
}

// What the fp32 sums of an enormous update overflow to is undefined, with a reason.
TEST(TerminalScan, StandsAnInfiniteUpdate) {
  Shape shape;
  shape.windows = 12;
  FakeModel::Hooks hooks;
  hooks.expert_scale = [](int layer) { return layer == 3 ? 3e38f : 1.0f; };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {}).fields;
  EXPECT_NO_THROW(canonical_json(fields));
  EXPECT_TRUE(fields["per_window"]["update_ratio"]["3"][0].is_null());
  EXPECT_TRUE(fields["summary"]["per_layer"]["3"]["update_ratio_mean"].is_null());
  EXPECT_TRUE(fields["null_reasons"].contains("per_window.update_ratio.3"));
  EXPECT_FALSE(fields["per_window"]["update_ratio"]["2"][0].is_null());
}

TEST(Nulls, HoldNoInfinity) {
  Nulls nulls;
  EXPECT_TRUE(nulls.number(std::numeric_limits<double>::infinity(), "a", "too large").is_null());
  EXPECT_TRUE(nulls.number(kNaN, "b", "nothing").is_null());
  EXPECT_EQ(nulls.number(2.5, "c", "never"), 2.5);
  Json fields = Json::object();
  nulls.add_to(fields);
  EXPECT_EQ(fields["null_reasons"], Json({{"a", "too large"}, {"b", "nothing"}}));
  WindowValues values(1, 1);
  values.set(0, 0, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(values.of_layer(0)[0]));
}

TEST(TerminalScan, StatesWhatChanceGives) {
  Shape shape;
  shape.k = 3;
  const FakeModel model(shape, softmax_spec(8, 3), {});
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {2, 5, false}).fields;
  const Json& null = fields["summary"]["null"];
  for (int layer = 0; layer < 4; ++layer) {
    const std::string key = std::to_string(layer);
    std::vector<uint64_t> counts(8, 0);
    for (size_t row = 0; row < 24 * 33; ++row) {
      if (row % 33 == 32) continue;  // not measured
      for (size_t i = 0; i < 3; ++i) ++counts[size_t(model.trace(layer, 0).ranked[row * 4 + i])];
    }
    EXPECT_EQ(fields["expert_counts"][key], Json(counts));
    double popularity = 0;
    for (const uint64_t count : counts) {
      const double share = double(count) / (24 * kT);
      popularity += share * share / 3;
    }
    EXPECT_NEAR(null["per_layer"][key]["popularity"].get<double>(), popularity, 1e-14);
    EXPECT_EQ(null["per_layer"][key]["uniform"], 3.0 / 8.0);
    EXPECT_GT(popularity, 3.0 / 8.0);  // RG-2
    EXPECT_FALSE(null["per_layer"][key].contains("uniform_same_groups"));
  }
  EXPECT_FALSE(null["kind"].get<std::string>().empty());
}

TEST(TerminalScan, GroupsLeaveTheUniformNullButForEqualGroups) {
  gate::GateSpec spec = softmax_spec(8, 2);
  spec.groups = 4u;
  spec.groups_kept = 2u;
  spec.group_score = gate::GroupScore::max;
  const FakeModel model({}, spec, {});
  const Json null =
      measure(model, model.setting(), "terminal_ovk_scan", {}).fields["summary"]["null"];
  EXPECT_EQ(null["per_layer"]["1"]["uniform"], 0.25);
  EXPECT_EQ(null["per_layer"]["1"]["uniform_same_groups"], 0.5);  // kG/(gE)
}

// More than one undefined margin in a thousand gives a note in every test that needs margins.
TEST(Notes, SayWhereMarginsAreUndefined) {
  for (const uint32_t gone : {1u, 0u}) {
    Shape shape;
    shape.layers = 3;
    shape.seq_len = 102;
    shape.windows = 10;  // 1010 margins
    FakeModel::Hooks hooks;
    hooks.logits = [gone](int layer, size_t row, std::span<float> logits) {
      if (layer != 1 || (row != 5 && row != 7 + 102 * gone)) return;
      if (gone == 0 && row == 7) return;
      std::fill(logits.begin() + 2, logits.end(), std::numeric_limits<float>::quiet_NaN());
    };
    const FakeModel model(shape, softmax_spec(8, 2), hooks);
    for (const char* test : {"terminal_ovk_scan", "chart_compatibility", "attention_router"}) {
      const auto notes = measure(model, model.setting(), test, {}).notes;
      if (gone == 0) {
        EXPECT_TRUE(notes.empty()) << test;  // 1 of 1010
      } else {
        EXPECT_EQ(notes, (std::vector<std::string>{"layer 1: 2 of 1010 margins are undefined"}))
            << test;
      }
    }
  }
}

TEST(TerminalScan, UndefinedMarginsLeaveTheMeans) {
  Shape shape;
  FakeModel::Hooks hooks;
  hooks.logits = [](int layer, size_t row, std::span<float> logits) {
    if (layer == 1 && row % 33 < 5) {
      std::fill(logits.begin() + 2, logits.end(), std::numeric_limits<float>::quiet_NaN());
    }
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "terminal_ovk_scan", {}).fields;
  EXPECT_EQ(fields["per_window"]["n_undefined"]["1"][0], 5);
  EXPECT_EQ(fields["per_window"]["n_undefined"]["0"][0], 0);
  const double ovk = fields["per_window"]["ovk_cf_mean"]["1"][0].get<double>();
  EXPECT_NEAR(ovk * 2 * 27, std::round(ovk * 2 * 27), 1e-9);
}

void expect_refused(const Setting& setting, const std::string& test, ErrorId id) {
  try {
    declaration(test).make(setting);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), id) << error.what();
  }
}

TEST(TerminalScan, RefusesASetWithoutTheTerminalLayerOrAnEarlierOne) {
  const FakeModel model({}, softmax_spec(8, 2), {});
  Setting setting = model.setting();
  setting.layers = {0, 1, 2};
  expect_refused(setting, "terminal_ovk_scan", ErrorId::RT002);
  setting.layers = {3};
  expect_refused(setting, "terminal_ovk_scan", ErrorId::RT002);
  setting.moe_layers = setting.layers = {5};
  expect_refused(setting, "terminal_ovk_scan", ErrorId::RT002);
}

TEST(Refusals, WithoutAnEligibleCompetitorThereIsNoMargin) {
  Shape shape;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = model.setting();
  setting.spec.top_k = 8u;
  for (const char* test : {"terminal_ovk_scan", "chart_compatibility", "attention_router"}) {
    expect_refused(setting, test, ErrorId::RT001);
  }
  setting.spec.top_k = 4u;
  setting.spec.groups = 4u;
  setting.spec.groups_kept = 2u;
  setting.spec.group_score = gate::GroupScore::max;
  expect_refused(setting, "terminal_ovk_scan", ErrorId::RT001);
  setting.spec.top_k = 3u;
  EXPECT_NO_THROW(declaration("terminal_ovk_scan").make(setting));
}

TEST(Refusals, ParametersAreChecked) {
  const FakeModel model({}, softmax_spec(8, 2), {});
  const auto with = [&](const char* key, Json value) {
    Setting setting = model.setting();
    setting.parameters[key] = std::move(value);
    return setting;
  };
  for (const Declaration& one : all_experiments()) {
    expect_refused(with("unknown", 1), one.name, ErrorId::US003);
    expect_refused(with("bootstrap", 199), one.name, ErrorId::US003);
    expect_refused(with("bootstrap", "many"), one.name, ErrorId::US003);
    EXPECT_NO_THROW(one.make(with("bootstrap", 200))) << one.name;
  }
  expect_refused(with("convention", "both"), "attention_router", ErrorId::US003);
  expect_refused(with("source_positions", 0), "attention_router", ErrorId::US003);
  expect_refused(with("expert_similarity", 1), "attention_router", ErrorId::US003);
  for (const Json& draws : {Json(0), Json(65), Json(1.5), Json("2")}) {
    expect_refused(with("random_draws", draws), "chart_compatibility", ErrorId::US003);
  }
  expect_refused(with("required_layers", Json::array()), "chart_compatibility", ErrorId::US003);
  expect_refused(with("required_layers", Json({1, 9})), "chart_compatibility", ErrorId::US003);
  expect_refused(with("required_layers", Json({1, 1})), "chart_compatibility", ErrorId::US003);
}

}  // namespace
}  // namespace rg::experiments::testing
