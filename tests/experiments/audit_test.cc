// An audit's artifact: what its arrays and its summary say of each other, and of equal models.
#include "experiments/audit/audit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "experiments/audit/audit_forecasts.h"
#include "experiments/audit_fixture.h"

namespace rg::experiments::testing {
namespace {

std::unique_ptr<FakeModel> predicting(const gate::GateSpec& spec, const FakeModel::Hooks& hooks) {
  Shape shape;
  shape.experts = spec.experts;
  shape.k = spec.top_k;
  auto model = std::make_unique<FakeModel>(shape, spec, hooks);
  predict_from_residual(*model);
  return model;
}

FakeModel::Hooks with_other_gates(double amount) {
  FakeModel::Hooks hooks;
  hooks.weights = [amount](int layer, LayerWeights& weights) {
    for (size_t i = 0; i < weights.router.size(); ++i) {
      weights.router[i] += float(amount * normal(79, uint32_t(i), 0, uint32_t(layer)));
    }
  };
  return hooks;
}

// A fixed pair: B's gates differ.
struct FixedPair {
  explicit FixedPair(const gate::GateSpec& spec) : a(predicting(spec, {})) {
    b = predicting(spec, with_other_gates(0.1));
    b->reference_logits = a->next_logits;
  }
  std::unique_ptr<FakeModel> a, b;
};

Json fields_of(const FixedPair& pair, const Feeding& feeding) {
  return FakeAudit(*pair.a, *pair.b, pair.a.get(), feeding, false).reduce().fields;
}

double total_of(const Json& values) {
  double sum = 0;
  for (const Json& value : values) sum += value.get<double>();
  return sum;
}

TEST(AuditArtifact, DependsOnNeitherThreadsNorBlocks) {
  const FixedPair pair(softmax_spec(8, 2));
  const Json once = fields_of(pair, {.threads = 1, .block_sequences = 4});
  EXPECT_EQ(once, fields_of(pair, {.threads = 3, .block_sequences = 1, .logit_rows = 33}));
  EXPECT_EQ(once, fields_of(pair, {.threads = 2, .block_sequences = 7, .backwards = true}));
  EXPECT_EQ(once.at("summary").at("outcome"), "CHANGED");
}

TEST(AuditArtifact, OfEqualModelsIsIdentical) {
  const FixedPair pair(softmax_spec(8, 2));
  const auto again = predicting(softmax_spec(8, 2), {});
  again->reference_logits = pair.a->next_logits;
  const Json fields = FakeAudit(*pair.a, *again, nullptr, {}, true).reduce().fields;
  const Json& summary = fields.at("summary");
  EXPECT_EQ(summary.at("outcome"), "IDENTICAL");
  EXPECT_EQ(summary.at("pooled").at("flips").at("rate"), 0);
  EXPECT_TRUE(summary.at("pooled").at("share_gate").is_null());
  EXPECT_TRUE(summary.at("two_by_two").at("share_R").is_null());
  EXPECT_EQ(summary.at("damage").at("top1").at("rate"), 1);
  EXPECT_EQ(summary.at("damage").at("by_flipped_layers").size(), 1u);
  EXPECT_EQ(fields.at("per_window").at("loss_a"), fields.at("per_window").at("loss_ba"));
  const Json& reasons = fields.at("null_reasons");
  for (const char* path :
       {"summary.pooled.share_gate", "summary.two_by_two.share_W", "summary.pooled.depth",
        "audit.other_compute", "per_window.floor.pass", "summary.pooled.floor.pass"}) {
    EXPECT_TRUE(reasons.contains(path)) << path;
  }
}

TEST(AuditArtifact, SummarisesItsArrays) {
  const FixedPair pair(softmax_spec(8, 2));
  const Json fields = fields_of(pair, {});
  const Json &arrays = fields.at("per_window"), &summary = fields.at("summary");
  double mass = 0, local = 0, through = 0, flips = 0;
  const double decisions = 24 * 32;  // nothing is undefined
  for (const char* layer : {"0", "1", "2", "3"}) {
    const Json& own = summary.at("per_layer").at(layer);
    const double m = total_of(arrays.at("mass").at("total").at(layer));
    const double l = total_of(arrays.at("mass").at("local").at(layer));
    const double u = total_of(arrays.at("mass").at("through_a").at(layer));
    EXPECT_DOUBLE_EQ(own.at("total").at("rate"), m / (2 * decisions));
    EXPECT_DOUBLE_EQ(own.at("phi_gate").at("rate"), (l + m - u) / 2 / (2 * decisions));
    EXPECT_NEAR(
        own.at("phi_gate").at("rate").get<double>() + own.at("phi_input").at("rate").get<double>(),
        own.at("total").at("rate").get<double>(), 1e-15);
    double in_bins = 0;
    for (const Json& bin : own.at("deciles").at("set"))
      in_bins += bin.at("decisions").get<double>();
    EXPECT_EQ(in_bins, decisions);
    mass += m;
    local += l;
    through += u;
    flips += total_of(arrays.at("flips").at(layer));
  }
  EXPECT_GT(flips, 100);
  EXPECT_DOUBLE_EQ(summary.at("pooled").at("flips").at("rate"), flips / (4 * decisions));
  EXPECT_DOUBLE_EQ(summary.at("pooled").at("share_gate").at("rate"),
                   (local + mass - through) / 2 / mass);
  // The hazard of a layer is among the tokens that have not flipped before it.
  const double first = total_of(arrays.at("onset").at("0"));
  EXPECT_DOUBLE_EQ(summary.at("per_layer").at("1").at("hazard").at("rate"),
                   total_of(arrays.at("onset").at("1")) / (decisions - first));
  double tokens = 0, kl = 0;
  for (size_t bin = 0; bin < 7; ++bin) {
    tokens += total_of(arrays.at("flipped_layers").at("tokens")[bin]);
    kl += total_of(arrays.at("flipped_layers").at("kl_sum")[bin]);
  }
  EXPECT_EQ(tokens, decisions);
  EXPECT_NEAR(kl, 32 * total_of(arrays.at("kl")), 1e-9);
  EXPECT_GT(kl, 0);
  const Json& last = summary.at("damage").at("by_flipped_layers").back();
  EXPECT_EQ(last.at("from"), 3);
  EXPECT_EQ(last.at("to"), 4);
}

TEST(AuditArtifact, SplitsTheLossIntoWeightsAndRoutes) {
  const FixedPair pair(softmax_spec(8, 2));
  const Json fields = fields_of(pair, {});
  const Json &arrays = fields.at("per_window"), &split = fields.at("summary").at("two_by_two");
  const double n = 24;
  const double a = total_of(arrays.at("loss_a")) / n, b = total_of(arrays.at("loss_b")) / n;
  const auto mean = [&](const char* name) { return split.at(name).at("mean").get<double>(); };
  EXPECT_NEAR(mean("D"), b - a, 1e-12);
  EXPECT_NEAR(mean("phi_R") + mean("phi_W"), mean("D"), 1e-12);
  // The fake passes with imposed routes predict as the model itself does.
  EXPECT_NEAR(mean("phi_R"), 0, 1e-12);
  EXPECT_NEAR(mean("I"), 0, 1e-12);
}

TEST(AuditArtifact, ForecastsByLayerAndByDecileComeFromTheOtherHalf) {
  const FixedPair pair(softmax_spec(8, 2));
  const FakeAudit audit(*pair.a, *pair.b, nullptr, {}, false);
  const AuditRecord& record = audit.record();
  ASSERT_EQ(record.folds().size(), 24u);
  EXPECT_EQ(record.folds()[2], 0);  // documents of three windows
  EXPECT_EQ(record.folds()[3], 1);
  const ForecastLevels levels = layer_rate_levels(record, 2);
  ASSERT_EQ(levels.size(), 2u);
  for (const uint8_t fold : {uint8_t{0}, uint8_t{1}}) {
    double flips = 0, windows = 0;
    for (size_t w = 0; w < 24; ++w) {
      const uint32_t own = record.counts(AuditCount::flips, 2)[w];
      EXPECT_EQ(levels[fold].flips[w], record.folds()[w] == fold ? own : 0u);
      EXPECT_EQ(levels[fold].decisions[w], record.folds()[w] == fold ? 32u : 0u);
      if (record.folds()[w] == fold) continue;
      flips += own;
      windows += 1;
    }
    EXPECT_DOUBLE_EQ(levels[fold].p, flips / (windows * 32));
  }
  uint64_t decisions = 0, flips = 0, expected = 0;
  for (const ForecastLevel& level : decile_rate_levels(record, 2)) {
    for (size_t w = 0; w < 24; ++w) {
      decisions += level.decisions[w];
      flips += level.flips[w];
    }
  }
  for (const uint32_t of_window : record.counts(AuditCount::flips, 2)) expected += of_window;
  EXPECT_EQ(decisions, 24u * 32);
  EXPECT_EQ(flips, expected);
  const Json scores = audit.reduce().fields.at("summary").at("forecasts");
  for (const char* forecast : {"F0", "F1", "F2", "F3", "F4"}) {
    EXPECT_EQ(scores.at(forecast).at("pooled").at("decisions"), 4u * 24 * 32) << forecast;
    EXPECT_EQ(scores.at(forecast).at("per_layer").size(), 4u) << forecast;
  }
}

TEST(AuditArtifact, OfOneDocumentForecastsNothing) {
  const FixedPair pair(softmax_spec(8, 2));
  Setting a = pair.a->setting(), b = pair.b->setting();
  for (Setting* setting : {&a, &b}) setting->window_document.assign(24, 0);
  const Json fields = FakeAudit(*pair.a, *pair.b, nullptr, {}, false, a, b).reduce().fields;
  for (const char* path : {"folds", "per_window.bounds", "per_window.forecasts",
                           "summary.forecasts", "summary.pooled.bounds"}) {
    EXPECT_TRUE(fields.at("null_reasons").contains(path)) << path;
    std::string pointer = "/" + std::string(path);
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    EXPECT_TRUE(fields.at(Json::json_pointer(pointer)).is_null()) << path;
  }
  EXPECT_GT(fields.at("summary").at("pooled").at("flips").at("rate"), 0);
}

TEST(AuditArtifact, WithEveryExpertSelectedNothingIsDefined) {
  gate::GateSpec spec = softmax_spec(4, 4);
  const FixedPair pair(spec);
  const Json fields = fields_of(pair, {});
  EXPECT_EQ(fields.at("per_window").at("n_undefined").at("0")[0], 32);
  const Json& flips = fields.at("summary").at("per_layer").at("0").at("flips");
  EXPECT_TRUE(flips.at("rate").is_null());
  EXPECT_TRUE(flips.at("ci95").is_null());
  EXPECT_TRUE(fields.at("null_reasons").contains("summary.per_layer.0.flips"));
  EXPECT_TRUE(fields.at("decile_edges").at("set").at("0").is_null());
  EXPECT_EQ(fields.at("summary").at("per_layer").at("0").at("hazard").at("rate"), 0);
}

TEST(AuditArtifact, EqualMarginsGiveRatesOnly) {
  FakeModel::Hooks hooks;
  hooks.logits = [](int, size_t row, std::span<float> logits) {
    for (size_t e = 0; e < logits.size(); ++e) logits[e] = (e + row) % 8 < 2 ? 1.0f : 0.0f;
  };
  gate::GateSpec spec = softmax_spec(8, 2);
  spec.score = gate::Score::logits;
  spec.weigh = gate::Weigh::selected_softmax;
  const auto a = predicting(spec, hooks), b = predicting(spec, {});
  b->reference_logits = a->next_logits;
  const Json fields = FakeAudit(*a, *b, nullptr, {}, false).reduce().fields;
  EXPECT_TRUE(fields.at("decile_edges").at("set").at("1").is_null());
  EXPECT_TRUE(fields.at("per_window").at("deciles").at("logit").at("1").is_null());
  EXPECT_GT(fields.at("summary").at("per_layer").at("1").at("flips").at("rate"), 0);
  EXPECT_TRUE(fields.at("summary").at("forecasts").at("F1").contains("pooled"));
}

}  // namespace
}  // namespace rg::experiments::testing
