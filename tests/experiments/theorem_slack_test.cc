// The sample of theorem_slack and its artifact, on a small model whose tensors are known.
#include "experiments/theorem_slack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "experiments/fake_engine.h"
#include "experiments/theorem_slack_json.h"
#include "experiments/theorem_slack_sample.h"
#include "slack/walk.h"

namespace rg::experiments::testing {
namespace {

FakeModel slack_model(uint32_t layers = 2) {
  Shape shape;
  shape.layers = layers;
  shape.windows = 6;
  shape.seq_len = 20;
  FakeModel model(shape, softmax_spec(8, 2), {});
  model.attention = FakeKeys{};
  model.attention->heads = 4;
  model.attention->frequencies = {1.0f, 0.3f, 0.1f, 0.01f};
  const auto fill = [](int layer, size_t row, std::span<float> out, uint32_t salt) {
    for (uint32_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(
          normal(salt, static_cast<uint32_t>(row), i, static_cast<uint32_t>(layer)));
    }
  };
  model.attention->keys = [fill](int layer, size_t, size_t row, std::span<float> keys) {
    fill(layer, row, keys, 3);
  };
  model.attention->queries = [fill](int layer, size_t, size_t row, std::span<float> queries) {
    fill(layer, row, queries, 4);
  };
  return model;
}

Setting slack_setting(const FakeModel& model) {
  Setting setting = model.setting();
  setting.seed = 5;
  setting.parameters["contexts"] = 3;
  setting.parameters["context_positions"] = 12;
  setting.parameters["context_queries"] = 4;
  return setting;
}

Json slack_measure(const FakeModel& model, const Setting& setting, const Feeding& feeding = {}) {
  return measure(model, setting, "theorem_slack", feeding).fields;
}

TEST(TheoremSlack, ChoosesContextsAsDocumented) {
  const SlackChoice choice = choose_contexts(50, 100, 8, 64, 8, 3);
  EXPECT_EQ(choice.chosen.size(), 8u);
  EXPECT_TRUE(std::is_sorted(choice.chosen.begin(), choice.chosen.end()));
  EXPECT_EQ(std::set<uint32_t>(choice.chosen.begin(), choice.chosen.end()).size(), 8u);
  EXPECT_EQ(choice.contexts.query_positions,
            (std::vector<uint32_t>{8, 16, 24, 32, 40, 48, 56, 63}));
  EXPECT_NE(choice.chosen, choose_contexts(50, 100, 8, 64, 8, 4).chosen);
  const SlackChoice few = choose_contexts(2, 3, 8, 64, 8, 3);
  EXPECT_EQ(few.chosen, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(few.contexts.query_positions, (std::vector<uint32_t>{1, 2}));
}

TEST(TheoremSlack, HoldsOnAModelOfRandomMatrices) {
  const FakeModel model = slack_model();
  const Json fields = slack_measure(model, slack_setting(model));
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "HOLDS");
  EXPECT_EQ(fields.at("summary").at("verdict").at("violated"), 0);
  EXPECT_GT(fields.at("summary").at("verdict").at("cases"), 1000);
  const Json& jf = fields.at("cases").at("1").at("JF-2");
  EXPECT_EQ(jf[0].at("cases"), 2 * 36);
  // The largest cosine of a sampled key, by hand.
  const SlackChoice choice = choose_contexts(6, 20, 3, 12, 4, 5);
  double largest = 0;
  for (const uint32_t window : choice.chosen) {
    for (uint32_t p = 0; p < 12; ++p) {
      std::vector<float> keys(16);
      model.attention->keys(1, 0, window * 20 + p, keys);
      for (size_t h = 0; h < 2; ++h) {
        double sum = 0, square = 0;
        for (size_t i = 8 * h; i < 8 * h + 8; ++i) {
          sum += std::abs(static_cast<double>(keys[i]));
          square += static_cast<double>(keys[i]) * static_cast<double>(keys[i]);
        }
        largest = std::max(largest, sum / std::sqrt(8 * square));
      }
    }
  }
  EXPECT_NEAR(jf[1].at("tightest").at("value").get<double>(), largest, 1e-12);
}

TEST(TheoremSlack, ReadsTheExpertsAndTheTokenBefore) {
  const FakeModel model = slack_model(1);
  const Json fields = slack_measure(model, slack_setting(model));
  const Json& tightest = fields.at("cases").at("0").at("RG-10")[0].at("tightest");
  const SlackChoice choice = choose_contexts(6, 20, 3, 12, 4, 5);
  const auto row = tightest.at("place")[0].get<uint32_t>();
  const size_t in_set = choice.chosen[row / 12] * 20 + row % 12;
  const int32_t* const ranked = model.trace(0, 0).ranked.data() + in_set * 3;
  std::vector<float> a(24), b(24);
  model.expert_output(0, 0, in_set, ranked[1], a.data());
  model.expert_output(0, 0, in_set, ranked[2], b.data());
  double difference = 0, first = 0, second = 0;
  for (size_t i = 0; i < 24; ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    difference += (x - y) * (x - y);
    first += x * x;
    second += y * y;
  }
  EXPECT_NEAR(tightest.at("value").get<double>(),
              std::sqrt(difference) / (std::sqrt(first) + std::sqrt(second)), 1e-9);
  // RG-5 compares with the token before.
  const Json& margin = fields.at("cases").at("0").at("RG-5")[0].at("tightest");
  const auto at = margin.at("place")[0].get<uint32_t>();
  const float* const logits =
      model.trace(0, 0).logits.data() + (choice.chosen[at / 12] * 20 + at % 12) * 8;
  double change = 0;
  for (size_t e = 0; e < 8; ++e) {
    const float* const before = logits - 8;
    change =
        std::max(change, std::abs(static_cast<double>(logits[e]) - static_cast<double>(before[e])));
  }
  EXPECT_NEAR(margin.at("bound").get<double>(), change, 1e-12);
}

TEST(TheoremSlack, BlocksAndThreadsChangeNothing) {
  const FakeModel model = slack_model();
  const Setting setting = slack_setting(model);
  const Json one = slack_measure(model, setting);
  Setting threads = setting;
  threads.threads = 2;
  EXPECT_EQ(slack_measure(model, threads, {.threads = 2, .block_sequences = 1, .backwards = true}),
            one);
}

TEST(TheoremSlack, SaysWhyALayerHasNoKeys) {
  FakeModel model = slack_model();
  model.attention->without = {1};
  const Json fields = slack_measure(model, slack_setting(model));
  EXPECT_EQ(fields.at("without_keys"), (Json{{"1", "Mamba-2"}}));
  EXPECT_FALSE(fields.at("attention").contains("1"));
  EXPECT_TRUE(fields.at("not_applicable").at("1").contains("JF-1"));
  EXPECT_TRUE(fields.at("cases").at("1").contains("RG-5"));
  EXPECT_TRUE(fields.at("not_applicable").at("0").empty());
  EXPECT_EQ(fields.at("summary").at("per_theorem").at("JF-1").at("layers"), 1);
}

TEST(TheoremSlack, KeysThatCannotBeUsedAreNotMeasured) {
  FakeModel model = slack_model();
  const auto keys = model.attention->keys;
  model.attention->keys = [keys](int layer, size_t set, size_t row, std::span<float> out) {
    keys(layer, set, row, out);
    if (layer == 0) out[3] = std::nanf("");
    if (layer == 1) out[3] = 2e30f;
  };
  const Json fields = slack_measure(model, slack_setting(model));
  EXPECT_EQ(fields.at("without_keys").size(), 2u);
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "HOLDS");  // of its gates
}

// Findings as of a broken theorem, to see them named.
TEST(TheoremSlack, AViolatedCaseIsBroken) {
  static constexpr slack::Quantity kQuantities[] = {
      {"most", slack::Relation::at_most, slack::Unit::key}};
  const std::vector<slack::TheoremCheck> checks = {
      {"JF-2", kQuantities, slack::needs_keys, nullptr, nullptr, nullptr},
      {"JF-3", kQuantities, slack::needs_keys, nullptr, nullptr, nullptr}};
  const auto found_of = [](double value) {
    slack::Tally tally(slack::Relation::at_most);
    tally.see({.value = value, .bound = 1, .allowance = 0}, {0, 7});
    return slack::TheoremFound{.why_not = "", .found = {tally.found()}};
  };
  std::vector<SlackLayer> layers(2);
  layers[0].layer = 2;
  layers[0].found = {found_of(0.5), found_of(0.25)};
  layers[1].layer = 4;
  layers[1].found = {found_of(0.75), found_of(1.5)};
  Nulls nulls;
  const Json summary = slack_summary_json(checks, layers, nulls);
  EXPECT_EQ(summary.at("verdict"), (Json{{"outcome", "BROKEN"},
                                         {"theorems", 2},
                                         {"cases", 4},
                                         {"violated", 1},
                                         {"broken", {"JF-3"}}}));
  EXPECT_EQ(summary.at("per_layer").at("4").at("broken"), Json({"JF-3"}));
  EXPECT_TRUE(summary.at("per_layer").at("2").at("broken").empty());
  EXPECT_EQ(summary.at("per_theorem").at("JF-2").at("tightest"),
            (Json{{"layer", 4}, {"name", "most"}}));
  EXPECT_EQ(summary.at("per_theorem").at("JF-3").at("largest_used"), 0.25);
  const Json cases = slack_cases_json(checks, layers[1], nulls);
  EXPECT_EQ(cases.at("JF-3")[0].at("violated"), 1);
  EXPECT_EQ(cases.at("JF-3")[0].at("tightest").at("holds"), false);
  EXPECT_EQ(cases.at("JF-3")[0].at("tightest").at("place"), Json({0, 7}));
  EXPECT_TRUE(cases.at("JF-3")[0].at("quantiles").is_null());
  Json with_reasons = Json::object();
  nulls.add_to(with_reasons);
  EXPECT_TRUE(with_reasons.at("null_reasons").contains("cases.4.JF-3"));
}

TEST(TheoremSlack, NothingAtAllIsDegenerate) {
  Nulls nulls;
  const std::vector<slack::TheoremCheck> checks = {
      {"JF-2", {}, slack::needs_keys, nullptr, nullptr, nullptr}};
  std::vector<SlackLayer> layers(1);
  layers[0].found = {{.why_not = "no keys", .found = {}}};
  const Json summary = slack_summary_json(checks, layers, nulls);
  EXPECT_EQ(summary.at("verdict").at("outcome"), "DEGENERATE");
  EXPECT_TRUE(summary.at("per_theorem").at("JF-2").at("largest_used").is_null());
}

}  // namespace
}  // namespace rg::experiments::testing
