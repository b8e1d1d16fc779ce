// Gauges of hand-made keys: what is learned, what is held out, what is counted, and the verdict.
#include "experiments/kv_gauge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "experiments/fake_engine.h"
#include "experiments/kv_gauge_estimates.h"
#include "experiments/kv_gauge_units.h"
#include "experiments/live_bytes.h"
#include "keys/draws.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kKvWidth = 8, kKvWindows = 80, kKvLength = 17, kKvSinks = 4;

using KeysOfRow = std::function<void(int layer, size_t row, uint32_t head, std::span<float> key)>;

// Keys of any kind at two layers; windows of two belong to a document, so even documents (fitted)
// are windows 0, 1, 4, 5, ...
FakeModel model_with(const KeysOfRow& key) {
  Shape shape;
  shape.width = 12;
  shape.layers = 2;
  shape.windows = kKvWindows;
  shape.seq_len = kKvLength;
  FakeModel model(shape, softmax_spec(8, 2), {});
  model.attention = FakeKeys{};
  model.attention->width = kKvWidth;
  model.attention->keys = [key](int layer, size_t, size_t row, std::span<float> keys) {
    for (uint32_t h = 0; h < 2; ++h) key(layer, row, h, keys.subspan(h * kKvWidth, kKvWidth));
  };
  return model;
}

Setting setting_of(const FakeModel& model) {
  Setting setting = model.setting();
  for (uint32_t w = 0; w < kKvWindows; ++w) setting.window_document[w] = w / 2;
  setting.parameters["gauges"] = "verdict";
  setting.parameters["signed_hadamards"] = 4;
  return setting;
}

bool held_out(size_t row) { return row / kKvLength / 2 % 2 == 1; }

float gaussian(int layer, size_t row, uint32_t head, size_t i) {
  return static_cast<float>(normal(5, static_cast<uint32_t>(row), head * 100 + uint32_t(i),
                                   static_cast<uint32_t>(layer) + 40));
}

void gaussian_key(int layer, size_t row, uint32_t head, std::span<float> key) {
  for (size_t i = 0; i < key.size(); ++i) key[i] = gaussian(layer, row, head, i);
}

// Corners of a cube that some rotation, another one for each head, has turned away.
void turned_corner(int layer, size_t row, uint32_t head, std::span<float> key) {
  static const linear::Matrix rotations[] = {
      keys::random_rotation(kKvWidth, {.seed = 9, .layer = 0, .head = 0}, 0),
      keys::random_rotation(kKvWidth, {.seed = 9, .layer = 0, .head = 1}, 0)};
  linear::Column corner(kKvWidth);
  for (uint32_t i = 0; i < kKvWidth; ++i) {
    corner[i] = (gaussian(layer, row, head, i) < 0 ? -1 : 1) +
                0.1 * static_cast<double>(gaussian(layer, row, head, i + 50));
  }
  const linear::Column turned = rotations[head] * corner;
  for (uint32_t i = 0; i < kKvWidth; ++i) key[i] = static_cast<float>(turned[i]);
}

Json kv_measure(const FakeModel& model, const Setting& setting, const Feeding& feeding = {}) {
  return measure(model, setting, "kv_gauge", feeding).fields;
}

const Json& gauge_of(const Json& head, const std::string& kind) {
  const Json& gauges = head.at("gauges");
  return *std::find_if(gauges.begin(), gauges.end(),
                       [&](const Json& one) { return one.at("kind") == kind; });
}

TEST(KvGauge, ALearnedRotationWinsWhereKeysAreTurnedCorners) {
  const FakeModel model = model_with(turned_corner);
  const Json fields = kv_measure(model, setting_of(model));
  const Json& verdict = fields.at("summary").at("verdict");
  EXPECT_EQ(verdict.at("outcome"), "SUPERIOR");
  EXPECT_EQ(verdict.at("sentence"), "learned_rotations");
  EXPECT_GT(verdict.at("learned").at("mean"), 0.97);
  EXPECT_LT(verdict.at("random").at("mean"), 0.86);
  EXPECT_EQ(verdict.at("excess").at("outcome"), "SUPERIOR");
  EXPECT_NEAR(verdict.at("noise_advantage").at("mean").get<double>(), 0, 0.02);
  EXPECT_EQ(verdict.at("cells").at("above"), 4);
  EXPECT_GT(fields.at("summary").at("replication").at("z"), 10);
  EXPECT_EQ(fields.at("verification").at("required_layers"), Json({0, 1}));
  for (const Json& head : fields.at("heads").at("1")) {
    EXPECT_EQ(head.at("gauges").size(), 1u + 4 + 3 + 1);
    const Json& learned = gauge_of(head, "itq_cosine");
    for (size_t t = 1; t < learned.at("path").size(); ++t) {
      EXPECT_GE(learned.at("path")[t].get<double>(),
                learned.at("path")[t - 1].get<double>() - 1e-6);
    }
    EXPECT_EQ(head.at("residual").size(), 4u);  // ranks 1, 2, 4, 8
    EXPECT_NEAR(head.at("residual")[1].at("bits").get<double>(), 1 + 16.0 * 3 / kKvWidth, 1e-15);
    EXPECT_TRUE(head.at("ceiling").is_null());
  }
}

TEST(KvGauge, GaussianKeysGiveNoAdvantageThoughTheSearchClimbsInSample) {
  const FakeModel model = model_with(gaussian_key);
  const Json fields = kv_measure(model, setting_of(model));
  const Json& verdict = fields.at("summary").at("verdict");
  EXPECT_EQ(verdict.at("outcome"), "EQUIVALENT") << verdict;
  EXPECT_EQ(verdict.at("sentence"), "no_advantage");
  EXPECT_EQ(verdict.at("cells"), Json({{"below", 4}, {"within", 0}, {"above", 0}}));
  const Json& layer = fields.at("summary").at("per_layer").at("0");
  EXPECT_NEAR(verdict.at("random").at("mean").get<double>(),
              layer.at("gaussian_cosine").get<double>(), 0.01);
  for (const Json& head : layer.at("heads")) {
    const Json& learned = head.at("gauges").back();
    const double in_sample = learned.at("in_sample").at("mean_cosine");
    const double held_out = learned.at("held_out").at("mean_cosine");
    EXPECT_GT(in_sample, held_out + 0.005);
    EXPECT_NEAR(head.at("noise_in_sample").get<double>(), in_sample, 0.02);
  }
}

TEST(KvGauge, HeldOutKeysAndSinksHaveNoPartInTheFit) {
  const auto changed = [](bool sinks, int layer, size_t row, uint32_t head, std::span<float> key) {
    gaussian_key(layer, row, head, key);
    const bool sink = row % kKvLength < kKvSinks;
    if (sinks ? !sink : !held_out(row) || sink) return;
    for (size_t i = 0; i < key.size(); ++i) key[i] = key[i] * (i < 4 ? 3.0f : 0.2f) + 1;
  };
  const auto in_sample = [](const Json& fields) {
    Json out = Json::array();
    for (const Json& gauge : fields.at("heads").at("0")[0].at("gauges")) {
      out.push_back({gauge.at("in_sample"), gauge.value("path", Json())});
    }
    return out;
  };
  const FakeModel first = model_with(gaussian_key);
  const FakeModel other = model_with(
      [&](int l, size_t row, uint32_t h, std::span<float> key) { changed(false, l, row, h, key); });
  const FakeModel sinks = model_with(
      [&](int l, size_t row, uint32_t h, std::span<float> key) { changed(true, l, row, h, key); });
  const Json a = kv_measure(first, setting_of(first)), b = kv_measure(other, setting_of(other));
  const Json c = kv_measure(sinks, setting_of(sinks));
  EXPECT_EQ(in_sample(a), in_sample(b));
  EXPECT_NE(gauge_of(a.at("heads").at("0")[0], "itq_cosine").at("cosines"),
            gauge_of(b.at("heads").at("0")[0], "itq_cosine").at("cosines"));
  // The sinks' keys change what is said of sinks, and nothing else.
  EXPECT_EQ(a.at("summary"), c.at("summary"));
  const Json &of_a = gauge_of(a.at("heads").at("0")[0], "identity"),
             &of_c = gauge_of(c.at("heads").at("0")[0], "identity");
  EXPECT_EQ(of_a.at("held_out"), of_c.at("held_out"));
  EXPECT_NE(of_a.at("sinks"), of_c.at("sinks"));
  // Fitted keys do have a part.
  Setting shifted = setting_of(first);
  for (uint32_t& document : shifted.window_document) document = (document + 1) / 2;
  EXPECT_NE(in_sample(kv_measure(first, shifted)), in_sample(a));
}

TEST(KvGauge, DocumentsAreNumberedByTheirFirstWindow) {
  const std::vector<uint32_t> documents = {7, 7, 3, 7, 9, 3, 1};
  const KvUnits units(documents);
  EXPECT_EQ(units.of_window, (std::vector<int>{-1, -1, 0, -1, -1, 0, 1}));
  EXPECT_EQ(units.count, 2u);
  EXPECT_EQ(units.fitted_documents, 2u);
  std::vector<uint32_t> many(600);
  for (uint32_t w = 0; w < 600; ++w) many[w] = w;
  const KvUnits dealt(many);  // 300 held out
  EXPECT_EQ(dealt.count, kMostUnits);
  EXPECT_EQ(dealt.of_window[1], 0);
  EXPECT_EQ(dealt.of_window[2 * 128 - 1], 127);
  EXPECT_EQ(dealt.of_window[2 * 128 + 1], 0);
  EXPECT_EQ(KvUnits(std::vector<uint32_t>{4, 4}).count, 0u);
}

TEST(KvGauge, ZeroKeysAreCountedAndNothingElse) {
  const FakeModel model =
      model_with([](int layer, size_t row, uint32_t head, std::span<float> key) {
        gaussian_key(layer, row, head, key);
        if (head == 1 && row % 5 == 0) std::fill(key.begin(), key.end(), 0.0f);
      });
  const Json fields = kv_measure(model, setting_of(model));
  const Json& heads = fields.at("heads").at("0");
  const Json &per_window = fields.at("per_window"), &units = fields.at("units");
  EXPECT_EQ(units.at("count"), 20);
  for (size_t h = 0; h < 2; ++h) {
    std::vector<uint64_t> keys(20, 0), zeros(20, 0);
    uint64_t fit = 0, fit_zeros = 0, sinks = 0, zero_sinks = 0;
    for (size_t row = 0; row < size_t{kKvWindows} * kKvLength; ++row) {
      const bool zero = h == 1 && row % 5 == 0, sink = row % kKvLength < kKvSinks;
      const int unit = units.at("of_window")[row / kKvLength];
      EXPECT_EQ(unit >= 0, held_out(row));
      if (unit < 0 && !sink) ++(zero ? fit_zeros : fit);
      if (unit >= 0 && !sink) ++(zero ? zeros : keys)[size_t(unit)];
      if (unit >= 0 && sink) ++(zero ? zero_sinks : sinks);
    }
    EXPECT_EQ(heads[h].at("keys"), Json(keys));
    EXPECT_EQ(heads[h].at("zero_keys"), Json(zeros));
    EXPECT_EQ(heads[h].at("fit_keys"), fit);
    EXPECT_EQ(heads[h].at("fit_zero_keys"), fit_zeros);
    EXPECT_EQ(heads[h].at("sink_keys"), sinks);
    EXPECT_EQ(heads[h].at("sink_zero_keys"), zero_sinks);
  }
  EXPECT_EQ(per_window.at("keys"), Json(std::vector<int>(kKvWindows, kKvLength - kKvSinks)));
  EXPECT_EQ(per_window.at("sinks"), Json(std::vector<int>(kKvWindows, kKvSinks)));
}

// Every null is below a path with a reason.
void expect_reasons(const Json& value, const std::string& path, const Json& reasons) {
  if (value.is_null()) {
    bool covered = false;
    for (const auto& [listed, reason] : reasons.items()) {
      covered = covered || path == listed || path.starts_with(listed + ".");
    }
    EXPECT_TRUE(covered) << path;
  }
  if (value.is_array()) {
    for (const Json& item : value) expect_reasons(item, path, reasons);
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      expect_reasons(item, path.empty() ? key : path + "." + key, reasons);
    }
  }
}

TEST(KvGauge, AHeadWithoutKeysIsDegenerate) {
  const FakeModel model =
      model_with([](int layer, size_t row, uint32_t head, std::span<float> key) {
        gaussian_key(layer, row, head, key);
        if (head == 1 && layer == 1) std::fill(key.begin(), key.end(), 0.0f);
      });
  const Json fields = kv_measure(model, setting_of(model));
  const Json& summary = fields.at("summary");
  EXPECT_EQ(summary.at("verdict").at("outcome"), "DEGENERATE");
  EXPECT_EQ(summary.at("verdict").at("sentence"), "undecided");
  EXPECT_TRUE(summary.at("replication").at("z").is_null());
  EXPECT_EQ(summary.at("per_layer").at("1").at("defined_heads"), 1);
  EXPECT_TRUE(summary.at("per_layer").at("1").at("heads")[1].at("learned").at("mean").is_null());
  const Json& head = fields.at("heads").at("1")[1];
  EXPECT_EQ(gauge_of(head, "itq_cosine").at("refused"), "no key to fit on");
  EXPECT_FALSE(gauge_of(head, "rotation").contains("refused"));
  EXPECT_TRUE(head.at("noise").is_null());
  EXPECT_TRUE(head.at("residual").empty());
  expect_reasons(fields, "", fields.at("null_reasons"));
  EXPECT_NO_THROW(canonical_json(fields));
}

TEST(KvGauge, LayersWithoutKeysAreListedWithTheirReason) {
  FakeModel model = model_with([](int, size_t row, uint32_t head, std::span<float> key) {
    gaussian_key(1, row, head, key);
    if (row == 40) key[3] = std::nanf("");
  });
  model.attention->without = {0};
  const Json fields = kv_measure(model, setting_of(model));
  EXPECT_EQ(fields.at("without_keys"),
            Json({{"0", "Mamba-2"}, {"1", "keys that are not finite, or beyond 1e30"}}));
  EXPECT_EQ(fields.at("layers"), Json({0, 1}));
  EXPECT_TRUE(fields.at("verification").at("required_layers").empty());
  EXPECT_TRUE(fields.at("heads").empty());
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "DEGENERATE");
  expect_reasons(fields, "", fields.at("null_reasons"));
}

TEST(KvGauge, OneDocumentHoldsNothingOut) {
  const FakeModel model = model_with(gaussian_key);
  Setting setting = setting_of(model);
  std::fill(setting.window_document.begin(), setting.window_document.end(), 3);
  const Json fields = kv_measure(model, setting);
  EXPECT_EQ(fields.at("units").at("count"), 0);
  EXPECT_EQ(fields.at("summary").at("verdict").at("outcome"), "DEGENERATE");
  EXPECT_TRUE(fields.at("heads").at("0")[0].at("keys").empty());
  expect_reasons(fields, "", fields.at("null_reasons"));
}

// All kinds of gauges, with RoPE, before and after it.
TEST(KvGauge, SameBitsForEveryFeeding) {
  FakeModel model = model_with(turned_corner);
  model.attention->frequencies = {1.0f, 0.3f, 0.1f, 0.001f};
  model.attention->heads = 4;
  model.attention->norm = tap::KeyNorm::per_head;
  model.attention->queries = [](int layer, size_t, size_t row, std::span<float> queries) {
    for (size_t i = 0; i < queries.size(); ++i) queries[i] = gaussian(layer + 7, row, 3, i);
  };
  for (const char* step : {"scored", "normed"}) {
    Setting setting = setting_of(model);
    setting.parameters["gauges"] = "all";
    setting.parameters["step"] = step;
    setting.parameters["centring"] = "dataset_mean";
    setting.parameters["key_positions"] = 15;
    const Json first = kv_measure(model, setting, {1, 80, false});
    for (const Feeding& feeding : {Feeding{2, 7, true}, Feeding{3, 1, false}}) {
      setting.threads = feeding.threads;
      EXPECT_EQ(canonical_json(kv_measure(model, setting, feeding)), canonical_json(first));
    }
    expect_reasons(first, "", first.at("null_reasons"));
    EXPECT_EQ(first.at("heads").at("0")[0].at("gauges").size(), 13u + 4 + 3);
    const Json& costs = first.at("attention").at("0").at("costs");
    const bool before = std::string(step) == "normed";
    EXPECT_EQ(costs.at("torus"), "online_log");  // a norm's gains stand between
    EXPECT_EQ(costs.at("itq_cosine"), before ? "codec" : "online_square");
    const Json& head = first.at("heads").at("0")[1];
    EXPECT_EQ(head.at("ceiling").is_null(), before);
    EXPECT_EQ(head.at("centring").at("dataset_mean").contains("correction"), before);
    if (before) {
      EXPECT_GT(head.at("centring").at("dataset_mean").at("correction").at("rms"), 0);
    } else {
      EXPECT_GT(head.at("ceiling").at("cosine"), 0.9);
    }
    // The member of the centring that the gauges are of repeats them.
    EXPECT_EQ(head.at("centring").at("dataset_mean").at("cosines"),
              gauge_of(head, "itq_cosine").at("cosines"));
    EXPECT_NE(head.at("centring").at("raw").at("cosines"),
              gauge_of(head, "itq_cosine").at("cosines"));
  }
}

// A head's advantage, its interval and the model's, by the page alone.
TEST(KvGauge, TheAdvantageFollowsFromTheArrays) {
  const FakeModel model = model_with(turned_corner);
  const Json fields = kv_measure(model, setting_of(model));
  const size_t units = fields.at("units").at("count");
  const uint32_t replicates = 200;
  std::vector<std::vector<double>> counts(replicates, std::vector<double>(units, 0));
  for (uint32_t b = 0; b < replicates; ++b) {
    for (uint32_t i = 0; i < units; ++i) {
      ++counts[b][draw_below(uint32_t(units), 42, Purpose::bootstrap, {i, b, 4})];
    }
  }
  std::vector<double> whole(replicates, 0);
  double estimate = 0;
  for (const char* layer : {"0", "1"}) {
    for (size_t h = 0; h < 2; ++h) {
      const Json& head = fields.at("heads").at(layer)[h];
      std::vector<double> gained(units, 0), nonzero = head.at("keys");
      double number = 0;
      for (const Json& gauge : head.at("gauges")) {
        if (gauge.at("kind") != "rotation" && gauge.at("kind") != "signed_hadamard") continue;
        for (size_t u = 0; u < units; ++u) gained[u] += gauge.at("cosines")[u].get<double>();
        number += 1;
      }
      const Json& learned = gauge_of(head, "itq_cosine").at("cosines");
      double over = 0, under = 0;
      for (size_t u = 0; u < units; ++u) {
        gained[u] = learned[u].get<double>() - gained[u] / number;
        over += gained[u];
        under += nonzero[u];
      }
      std::vector<double> values;
      for (uint32_t b = 0; b < replicates; ++b) {
        double drawn_over = 0, drawn_under = 0;
        for (size_t u = 0; u < units; ++u) {
          drawn_over += counts[b][u] * gained[u];
          drawn_under += counts[b][u] * nonzero[u];
        }
        values.push_back(drawn_over / drawn_under);
        whole[b] += values.back() / 4;
      }
      estimate += over / under / 4;
      std::sort(values.begin(), values.end());
      const Json& said =
          fields.at("summary").at("per_layer").at(layer).at("heads")[h].at("advantage");
      EXPECT_NEAR(said.at("mean").get<double>(), over / under, 1e-12);
      EXPECT_NEAR(said.at("ci95")[0].get<double>(), values[5 - 1], 1e-12);
      EXPECT_NEAR(said.at("ci95")[1].get<double>(), values[195 - 1], 1e-12);
    }
  }
  std::sort(whole.begin(), whole.end());
  const Json& said = fields.at("summary").at("verdict").at("advantage");
  EXPECT_NEAR(said.at("mean").get<double>(), estimate, 1e-12);
  EXPECT_NEAR(said.at("ci95")[0].get<double>(), whole[5 - 1], 1e-12);
  EXPECT_NEAR(said.at("ci95")[1].get<double>(), whole[195 - 1], 1e-12);
}

TEST(KvGauge, OutcomesByIntervalAndMargin) {
  const auto outcome = [](double low, double high) {
    return std::string(kv_outcome(stats::Interval{low, high}));
  };
  EXPECT_EQ(outcome(0.001, 0.009), "EQUIVALENT");
  EXPECT_EQ(outcome(-0.009, 0.0099), "EQUIVALENT");
  EXPECT_EQ(outcome(0.001, 0.01), "SUPERIOR");
  EXPECT_EQ(outcome(0.0, 0.01), "INCONCLUSIVE");
  EXPECT_EQ(outcome(-0.01, -0.001), "INFERIOR");
  EXPECT_EQ(outcome(-0.01, 0.001), "INCONCLUSIVE");
  EXPECT_EQ(kv_outcome(std::nullopt), "INCONCLUSIVE");
  const auto place = [](double low, double high) {
    return std::string(kv_place(stats::Interval{low, high}));
  };
  EXPECT_EQ(place(0.8, 0.918), "below");
  EXPECT_EQ(place(0.919, 0.965), "within");
  EXPECT_EQ(place(0.966, 0.97), "above");
  EXPECT_EQ(place(0.91, 0.93), "undecided");
}

// The published sentence needs its range, not just an advantage.
TEST(KvGauge, AnAdvantageBelowThePublishedRangeIsSmaller) {
  KvEstimates found{};
  found.advantage = {0.05, {0.04, 0.05, 0.06}};
  for (stats::Replicates& centred : found.centred) centred = {0.85, {0.84, 0.85, 0.86}};
  EXPECT_EQ(kv_sentence(found), "smaller_advantage");
  found.centred[2] = {0.93, {0.92, 0.93, 0.94}};
  EXPECT_EQ(kv_sentence(found), "learned_rotations");
  found.centred[2] = {0.92, {0.90, 0.92, 0.94}};
  EXPECT_EQ(kv_sentence(found), "undecided");
  found.advantage = {-0.05, {-0.06, -0.05, -0.04}};
  EXPECT_EQ(kv_sentence(found), "no_advantage");
}

TEST(KvGauge, TellsThePlanWhatItKeeps) {
  const FakeModel model = model_with(gaussian_key);
  Setting setting = setting_of(model);
  setting.parameters["gauges"] = "all";
  const size_t before = live_bytes();
  const auto made = declaration("kv_gauge").make(setting);
  tap::Observer* const observer = made.get();
  run(model, {&observer, 1}, {});
  const size_t live = live_bytes() - before;
  const tap::Needs needs = observer->needs();
  const uint64_t told = needs.held_bytes + needs.held_key_rows * 2 * kKvWidth * sizeof(float);
  EXPECT_LE(live, told);
  EXPECT_TRUE(needs.keys);
  EXPECT_EQ(needs.held_query_rows, 0u);
}

}  // namespace
}  // namespace rg::experiments::testing
