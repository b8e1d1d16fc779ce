// Planted layers whose keys determine the route, tell what the residual tells, or tell nothing.
#include "experiments/key_only_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/random.h"
#include "experiments/fake_engine.h"
#include "experiments/key_only_estimates.h"
#include "experiments/key_only_split.h"
#include "experiments/live_bytes.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kKeyHeads = 2, kHeadWidth = 8, kInputs = 12, kTexts = 120, kTokens = 17;
constexpr uint32_t kKeyColumns = kKeyHeads * kHeadWidth;

enum class Keys { of_gate_input, of_residual, noise };

// (kKeyColumns, kInputs): of full rank.
float projected(uint32_t column, uint32_t input) {
  return static_cast<float>(normal(77, column, input, 3));
}

void fill_keys(const FakeModel& model, Keys kind, int layer, size_t set, size_t row,
               std::span<float> keys) {
  const Trace& trace = model.trace(layer, set);
  const bool early = kind == Keys::of_residual;
  const float* const from = (early ? trace.residual_in : trace.gate_input).data() + row * kInputs;
  double square = 0;
  for (uint32_t i = 0; i < kInputs; ++i) square += double{from[i]} * double{from[i]} / kInputs;
  const double scale = early ? 1 / std::sqrt(square + 1e-5) : 1;
  for (uint32_t c = 0; c < kKeyColumns; ++c) {
    double sum = 0;
    for (uint32_t i = 0; i < kInputs; ++i) sum += scale * double{from[i]} * double{projected(c, i)};
    if (kind == Keys::noise) sum = normal(5, static_cast<uint32_t>(row), c, 40);
    keys[c] = static_cast<float>(sum);
  }
}

struct Planted {
  FakeModel model;
  explicit Planted(Keys kind, float attention = 0.7f)
      : model(shape(), softmax_spec(8, 2),
              {.attention_scale = [attention](int) { return attention; }}) {
    model.attention = FakeKeys{};
    model.attention->width = kHeadWidth;
    model.attention->keys = [this, kind](int layer, size_t set, size_t row, std::span<float> keys) {
      fill_keys(model, kind, layer, set, row, keys);
    };
    model.attention->values = [](int, size_t, size_t row, std::span<float> values) {
      for (uint32_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(normal(6, static_cast<uint32_t>(row), i, 41));
      }
    };
    for (uint32_t c = 0; c < kKeyColumns; ++c) {
      for (uint32_t i = 0; i < kInputs; ++i) {
        model.attention->projection.push_back(projected(c, i));
      }
    }
  }
  Planted(const Planted&) = delete;

  static Shape shape() {
    Shape shape;
    shape.width = kInputs;
    shape.layers = 2;
    shape.windows = kTexts;
    shape.seq_len = kTokens;
    return shape;
  }
  Setting setting() const { return setting_of(model); }
  static Setting setting_of(const FakeModel& model) {
    Setting setting = model.setting();
    for (uint32_t w = 0; w < kTexts; ++w) setting.window_document[w] = w / 2;
    setting.parameters["bootstrap"] = 200;
    setting.parameters["mlp_hidden"] = 40;  // rounded up to 64
    setting.parameters["mlp_epochs"] = 3;
    return setting;
  }
  Json measure(const Feeding& feeding = {}) const { return measure(setting(), feeding); }
  Json measure(const Setting& setting, const Feeding& feeding) const {
    return testing::measure(model, setting, "key_only_router", feeding).fields;
  }
};

double mean_of(const Json& fields, const char* features) {
  return fields.at("summary").at("verdict").at("overlap").at(features).at("mean");
}

const Json& entry_of(const Json& fields, const char* layer, const char* features,
                     const char* model) {
  const Json& all = fields.at("predictors").at(layer);
  return *std::find_if(all.begin(), all.end(), [&](const Json& one) {
    return one.at("features") == features && one.at("model") == model;
  });
}

TEST(KeyOnlyRouter, KeysThatHoldTheGateInputTellMoreThanTheResidual) {
  const Planted planted(Keys::of_gate_input);
  const Json fields = planted.measure();
  const Json& verdict = fields.at("summary").at("verdict");
  EXPECT_EQ(verdict.at("outcome"), "SUPERIOR") << verdict;
  EXPECT_EQ(verdict.at("sentence"), "as_good_as_residual");
  EXPECT_GT(mean_of(fields, "keys"), 0.97);
  EXPECT_GT(mean_of(fields, "gate_input"), 0.98);
  EXPECT_LT(mean_of(fields, "residual"), 0.9);
  EXPECT_LT(mean_of(fields, "signs"), mean_of(fields, "keys") - 0.1);
  EXPECT_GT(verdict.at("attention_gap").at("ci95")[0], 0.05);
  EXPECT_GT(verdict.at("oracle"), 0.95);
  EXPECT_TRUE(verdict.at("degenerate").is_null());
  EXPECT_GT(verdict.at("ceiling").at("lower").at("mean"), 0.95);
  EXPECT_GT(fields.at("summary").at("replication").at("z"), 2);
}

TEST(KeyOnlyRouter, KeysOfTheResidualTellAsMuchAsIt) {
  const Planted planted(Keys::of_residual);
  const Json fields = planted.measure();
  const Json& verdict = fields.at("summary").at("verdict");
  EXPECT_NEAR(verdict.at("key_gap").at("mean").get<double>(), 0, 0.02);
  EXPECT_NE(verdict.at("sentence"), "no_better_than_constant");
  EXPECT_GT(mean_of(fields, "keys"), mean_of(fields, "none") + 0.1);
  // As many keys as the residual has dimensions or more: nothing is hidden from them.
  const Json& geometry = fields.at("geometry").at("1");
  EXPECT_EQ(geometry.at("rank"), kInputs);
  EXPECT_EQ(geometry.at("eta"), 0);
  EXPECT_EQ(geometry.at("eta_null"), 0);
  EXPECT_EQ(geometry.at("determined").at("determined"), geometry.at("determined").at("rows"));
  EXPECT_EQ(geometry.at("boundary").at("seen"), geometry.at("boundary").at("rows"));
  EXPECT_LT(geometry.at("angles").back(), 1e-7);
}

TEST(KeyOnlyRouter, KeysOfNoiseTellNothing) {
  const Planted planted(Keys::noise, 0.05f);
  const Json fields = planted.measure();
  const Json& verdict = fields.at("summary").at("verdict");
  EXPECT_EQ(verdict.at("outcome"), "INFERIOR") << verdict;
  EXPECT_EQ(verdict.at("sentence"), "no_better_than_constant");
  EXPECT_NEAR(mean_of(fields, "keys"), mean_of(fields, "none"), 0.03);
  EXPECT_GT(mean_of(fields, "residual"), mean_of(fields, "none") + 0.2);
  EXPECT_LT(verdict.at("ceiling").at("upper").at("mean").get<double>(),
            mean_of(fields, "residual") - 0.1);
}

// Fewer keys than dimensions: the weights hide a part of the router from them.
TEST(KeyOnlyRouter, NarrowKeysHideAPartOfTheRouter) {
  Planted planted(Keys::of_residual);
  planted.model.attention->kv_heads = 1;
  planted.model.attention->projection.resize(kHeadWidth * kInputs);
  const auto wide = planted.model.attention->keys;
  planted.model.attention->keys = [wide](int layer, size_t set, size_t row, std::span<float> keys) {
    std::vector<float> all(kKeyColumns);
    wide(layer, set, row, all);
    std::copy_n(all.begin(), keys.size(), keys.begin());
  };
  const Json fields = planted.measure();
  const Json& geometry = fields.at("geometry").at("0");
  EXPECT_EQ(geometry.at("rank"), kHeadWidth);
  EXPECT_EQ(geometry.at("directions"), 7);
  EXPECT_EQ(geometry.at("angles").size(), 7u);
  EXPECT_NEAR(geometry.at("eta_null").get<double>(), 1 - 8.0 / 12, 1e-15);
  const double first = std::sin(geometry.at("angles")[0].get<double>());
  const double last = std::sin(geometry.at("angles").back().get<double>());
  EXPECT_GE(geometry.at("eta").get<double>(), first * first - 1e-9);
  EXPECT_LE(geometry.at("eta").get<double>(), last * last + 1e-9);
  EXPECT_GT(geometry.at("eta"), 0.05);
  EXPECT_GT(geometry.at("boundary").at("median"), 1);
  EXPECT_LT(geometry.at("determined").at("determined"), geometry.at("determined").at("rows"));
  const Json& table = fields.at("architecture").at("0").at("table");
  EXPECT_EQ(table.size(), 4u);
  EXPECT_EQ(table[1].at("theorem"), "KR-6 (d)");
  EXPECT_EQ(table[1].at("answer"), "generically_no");
  EXPECT_EQ(table[2].at("theorem"), "KR-7 (b)");
  const Json& later = fields.at("architecture").at("1").at("table");
  EXPECT_EQ(later[2].at("theorem"), "KR-7 (e)");
  EXPECT_GT(mean_of(fields, "residual"), mean_of(fields, "keys"));
}

TEST(KeyOnlyRouter, TheOrderAndTheSumsAreThoseOfThePage) {
  const Planted planted(Keys::of_residual);
  const Json fields = planted.measure();
  const Json& split = fields.at("split");
  const std::vector<int> of_window = split.at("of_window");
  std::vector<double> rows(split.at("units").get<size_t>(), 0);
  for (const int unit : of_window) {
    if (unit >= 0) rows[static_cast<size_t>(unit)] += kTokens;
  }
  const double all = std::accumulate(rows.begin(), rows.end(), 0.0);
  for (const char* const layer : {"0", "1"}) {
    const Json& entries = fields.at("predictors").at(layer);
    ASSERT_EQ(entries.size(), 20u);
    EXPECT_EQ(entries[0].at("features"), "none");
    EXPECT_EQ(entries[1].at("model"), "mean");
    EXPECT_EQ(entries[19].at("features"), "gate_input");
    EXPECT_EQ(entries[2].contains("refused"), std::string(layer) == "0");
    const Json& truth = fields.at("truth").at(layer);
    EXPECT_EQ(entries[0].at("error"), truth.at("energy"));
    const std::vector<uint64_t> fitted = truth.at("fitted_chosen"), test = truth.at("test_chosen");
    std::vector<size_t> order(fitted.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return fitted[a] > fitted[b]; });
    for (size_t b = 0; b < 3; ++b) {
      uint64_t expected = 0, found = 0;
      for (size_t i = 0; i < std::min<size_t>(8, 2u << b); ++i) expected += test[order[i]];
      for (const Json& of_unit : entries[0].at("hits")[b]) found += of_unit.get<uint64_t>();
      EXPECT_EQ(found, expected);
    }
    for (const Json& entry : entries) {
      if (entry.contains("refused")) continue;
      double common = 0, by_margin = 0;
      for (size_t u = 0; u < rows.size(); ++u) {
        const double cases = entry.at("common")[u], exact = entry.at("exact")[u];
        const double mass = entry.at("mass")[u];
        common += cases;
        EXPECT_EQ(entry.at("hits")[0][u], entry.at("common")[u]);
        EXPECT_EQ(entry.at("hits")[2][u], 2 * rows[u]);  // all 8 experts
        EXPECT_GE(mass, exact);
        EXPECT_LE(mass, rows[u]);
        EXPECT_GE(cases, 2 * exact);
        EXPECT_LE(cases - 2 * exact, rows[u] - exact);
      }
      for (const Json& part : entry.at("margin_common")) by_margin += part.get<double>();
      EXPECT_EQ(by_margin, common);
    }
    double margin_rows = 0;
    for (const Json& part : truth.at("margin_rows")) margin_rows += part.get<double>();
    EXPECT_EQ(margin_rows, all);
    const Json& ridge = entry_of(fields, layer, "keys", "ridge");
    double least = std::numeric_limits<double>::infinity(), lambda = 0;
    for (const Json& step : ridge.at("grid")) {
      if (step.at("error").is_null() || step.at("error").get<double>() >= least) continue;
      least = step.at("error");
      lambda = step.at("lambda");
    }
    EXPECT_EQ(ridge.at("lambda"), lambda);
    EXPECT_LE(entry_of(fields, layer, "keys", "mlp").at("path").size(), 4u);
  }
  EXPECT_EQ(fields.at("prediction").at("mlp_hidden"), 64);
}

// The key gap and its interval from the arrays, by the page alone.
TEST(KeyOnlyRouter, TheKeyGapFollowsFromTheArrays) {
  const Planted planted(Keys::noise);
  const Json fields = planted.measure();
  const size_t units = fields.at("split").at("units");
  std::vector<double> rows(units, 0);
  for (const int unit : fields.at("split").at("of_window").get<std::vector<int>>()) {
    if (unit >= 0) rows[static_cast<size_t>(unit)] += kTokens;
  }
  const auto chosen = [&](const char* layer, const char* features) {
    const Json* best = nullptr;
    for (const char* const model : {"closed_form", "ridge", "mlp"}) {
      const Json& one = entry_of(fields, layer, features, model);
      if (one.contains("refused")) continue;
      if (best == nullptr ||
          one.at("choosing_common").get<uint64_t>() > best->at("choosing_common").get<uint64_t>()) {
        best = &one;
      }
    }
    return best->at("common").get<std::vector<double>>();
  };
  std::vector<double> whole(200, 0);
  for (const char* const layer : {"0", "1"}) {
    const std::vector<double> more = chosen(layer, "residual"), less = chosen(layer, "keys");
    for (uint32_t b = 0; b < 200; ++b) {
      std::vector<double> counts(units, 0);
      for (uint32_t i = 0; i < units; ++i) {
        ++counts[draw_below(static_cast<uint32_t>(units), 42, Purpose::bootstrap, {i, b, 6})];
      }
      double over = 0, under = 0, drawn = 0;
      for (size_t u = 0; u < units; ++u) {
        over += counts[u] * more[u];
        under += counts[u] * less[u];
        drawn += counts[u] * 2 * rows[u];
      }
      whole[b] += (over / drawn - under / drawn) / 2;
    }
  }
  std::sort(whole.begin(), whole.end());
  const Json& said = fields.at("summary").at("verdict").at("key_gap");
  EXPECT_NEAR(said.at("ci95")[0].get<double>(), whole[5 - 1], 1e-12);
  EXPECT_NEAR(said.at("ci95")[1].get<double>(), whole[195 - 1], 1e-12);
}

TEST(KeyOnlyRouter, SameBitsForEveryFeeding) {
  const Planted planted(Keys::of_residual);
  Setting setting = planted.setting();
  setting.parameters["router_positions"] = 11;
  // Documents in any order.
  for (uint32_t w = 0; w < kTexts; ++w) setting.window_document[w] = (w * 7) % 50;
  const Json first = planted.measure(setting, {1, kTexts, false});
  for (const Feeding& feeding : {Feeding{2, 7, true}, Feeding{3, 1, false}}) {
    setting.threads = feeding.threads;
    EXPECT_EQ(canonical_json(planted.measure(setting, feeding)), canonical_json(first));
  }
  EXPECT_EQ(first.at("per_window").at("rows"), Json(std::vector<int>(kTexts, 11)));
}

TEST(KeyOnlyRouter, TestDocumentsHaveNoPartInTheFit) {
  const Planted planted(Keys::of_residual);
  const Json one = planted.measure();
  const std::vector<int> of_window = one.at("split").at("of_window");
  Planted other(Keys::of_residual);
  const auto keys = other.model.attention->keys;
  other.model.attention->keys = [&](int layer, size_t set, size_t row, std::span<float> key) {
    keys(layer, set, row, key);
    if (set != 0 || of_window[row / kTokens] < 0) return;
    for (float& value : key) value *= -2;
  };
  const Json two = other.measure();
  for (const char* const model : {"ridge", "mlp"}) {
    const Json &a = entry_of(one, "1", "keys", model), &b = entry_of(two, "1", "keys", model);
    EXPECT_EQ(a.value("grid", Json()), b.value("grid", Json()));
    EXPECT_EQ(a.value("path", Json()), b.value("path", Json()));
    EXPECT_EQ(a.at("choosing_common"), b.at("choosing_common"));
    EXPECT_NE(a.at("common"), b.at("common"));
  }
}

TEST(KeyOnlyRouter, LayersThatCannotBeMeasuredSayWhy) {
  Planted planted(Keys::of_residual);
  const auto keys = planted.model.attention->keys;
  planted.model.attention->keys = [&](int layer, size_t set, size_t row, std::span<float> key) {
    keys(layer, set, row, key);
    if (row == 40) key[3] = std::nanf("");
  };
  planted.model.attention->without = {0};
  const Json fields = planted.measure();
  EXPECT_EQ(
      fields.at("not_measured"),
      Json({{"0", "Mamba-2"}, {"1", "features or logits that are not finite, or beyond 1e15"}}));
  EXPECT_TRUE(fields.at("verification").at("required_layers").empty());
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "DEGENERATE");
  EXPECT_EQ(fields.at("summary").at("verdict").at("degenerate"), "layers");
}

TEST(KeyOnlyRouter, TwoDocumentsCannotBeSplit) {
  const Planted planted(Keys::of_residual);
  Setting setting = planted.setting();
  for (uint32_t w = 0; w < kTexts; ++w) setting.window_document[w] = w % 2;
  const Json fields = planted.measure(setting, {});
  EXPECT_EQ(fields.at("not_measured").at("1"), "fewer than three documents");
  EXPECT_EQ(fields.at("split").at("documents"), 2);
  EXPECT_EQ(fields.at("split").at("units"), 0);
  EXPECT_EQ(fields.at("split").at("of_window"), Json(std::vector<int>(kTexts, -2)));
}

// A router whose logits aren't a function of what it reads is a fault of the pipeline.
TEST(KeyOnlyRouter, LogitsFromElsewhereAreAFaultOfThePipeline) {
  FakeModel::Hooks hooks;
  hooks.logits = [](int, size_t row, std::span<float> logits) {
    for (uint32_t e = 0; e < logits.size(); ++e) {
      logits[e] = static_cast<float>(normal(9, static_cast<uint32_t>(row), e, 50));
    }
  };
  FakeModel model(Planted::shape(), softmax_spec(8, 2), hooks);
  const Planted keys(Keys::noise);
  model.attention = keys.model.attention;
  const Json fields = measure(model, Planted::setting_of(model), "key_only_router", {}).fields;
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "DEGENERATE");
  EXPECT_EQ(fields.at("summary").at("verdict").at("degenerate"), "pipeline");
  EXPECT_EQ(fields.at("summary").at("per_layer").at("0").at("sound"), false);
  EXPECT_TRUE(fields.at("summary").at("replication").at("z").is_null());
}

TEST(KeyOnlyRouter, WholeDocumentsAreSplit) {
  std::vector<uint32_t> documents;
  for (uint32_t w = 0; w < 1000; ++w) documents.push_back(900 - w / 2);
  const RouterSplit split(documents, 3, 11);
  EXPECT_EQ(split.documents, 500u);
  EXPECT_EQ(split.tests, 150u);
  EXPECT_EQ(split.choosing, 50u);
  EXPECT_EQ(split.fitted, 300u);
  EXPECT_EQ(split.units, 128u);
  EXPECT_TRUE(std::is_sorted(split.document_of_row.begin(), split.document_of_row.end()));
  std::set<uint32_t> starts(split.first_row.begin(), split.first_row.end());
  EXPECT_EQ(starts.size(), 1000u);
  // The shuffle of the page.
  std::vector<uint32_t> order(500);
  std::iota(order.begin(), order.end(), 0u);
  for (uint32_t step = 0; step < 500; ++step) {
    std::swap(order[step],
              order[step + draw_below(500 - step, 11, Purpose::readout, {step, 0, 1})]);
  }
  std::vector<uint32_t> tests(order.begin(), order.begin() + 150);
  std::sort(tests.begin(), tests.end());
  for (uint32_t i = 0; i < tests.size(); ++i) {
    EXPECT_EQ(split.of_window[2 * tests[i]], static_cast<int>(i % 128));
    EXPECT_EQ(split.of_window[2 * tests[i] + 1], static_cast<int>(i % 128));
  }
  for (uint32_t i = 150; i < 200; ++i) EXPECT_EQ(split.of_window[2 * order[i]], -1);
  EXPECT_EQ(split.of_window[2 * order[200]], -2);
}

TEST(KeyOnlyRouter, OutcomesByIntervalAndMargin) {
  const auto outcome = [](double low, double high) {
    return std::string(router_outcome(stats::Interval{low, high}));
  };
  EXPECT_EQ(outcome(0.001, 0.009), "EQUIVALENT");
  EXPECT_EQ(outcome(0.001, 0.01), "INFERIOR");
  EXPECT_EQ(outcome(-0.02, -0.001), "SUPERIOR");
  EXPECT_EQ(outcome(-0.02, 0.001), "INCONCLUSIVE");
  EXPECT_EQ(router_outcome(std::nullopt), "INCONCLUSIVE");
  EXPECT_EQ(router_place(stats::Interval{0.8, 0.92}), "below");
  EXPECT_EQ(router_place(stats::Interval{0.93, 0.976}), "within");
  EXPECT_EQ(router_place(stats::Interval{0.98, 0.99}), "above");
  EXPECT_EQ(router_place(stats::Interval{0.9, 0.95}), "undecided");
  EXPECT_EQ(router_place(std::nullopt), "undecided");
}

TEST(KeyOnlyRouter, TellsThePlanWhatItKeeps) {
  const Planted planted(Keys::of_residual);
  const size_t before = live_bytes();
  const auto made = declaration("key_only_router").make(planted.setting());
  tap::Observer* const observer = made.get();
  run(planted.model, {&observer, 1}, {});
  const size_t live = live_bytes() - before;
  const tap::Needs needs = observer->needs();
  EXPECT_LE(live, needs.held_bytes);
  EXPECT_TRUE(needs.keys);
  EXPECT_TRUE(needs.key_projection);
  EXPECT_EQ(needs.held_key_rows, 3u * kTexts * kTokens);
  EXPECT_EQ(needs.held_value_rows, 2u * kTexts * kTokens);
}

}  // namespace
}  // namespace rg::experiments::testing
