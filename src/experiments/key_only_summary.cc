#include "experiments/key_only_summary.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/key_only_estimates.h"
#include "experiments/unit_summary.h"

namespace rg::experiments {
namespace {

constexpr const char* kNoNumber = "what it is made of is refused or doesn't vary";
constexpr BlockJson::Reasons kRouterReasons{.absent = kNoNumber, .undefined = kNoNumber};

void add_gaps(const RouterEstimates& found, const BlockJson& json, Json& out) {
  for (size_t i = kFirstGap; i < kFirstBound; ++i) {
    out[kRouterNumbers[i]] = json.block(found.numbers[i]);
  }
}

Json ceiling_block(const RouterEstimates& found, const BlockJson& json) {
  return {{"lower", json.block(found.numbers[kFirstBound])},
          {"upper", json.block(found.numbers[kFirstBound + 1])}};
}

// Ratios of one predictor.
struct PredictorStatistics {
  stats::Replicates overlap, exact, top1, hits[kRouterBudgets], mass, r2;
};

struct LayerStatistics {
  std::vector<std::optional<PredictorStatistics>> predictors;
  RouterEstimates estimates;
};

LayerStatistics statistics_of_layer(const RouterLayer& layer, const RouterStudy& study,
                                    const stats::CountTable& table) {
  std::vector<double> cases = study.unit_rows;
  for (double& rows : cases) rows *= layer.top_k;
  LayerStatistics out;
  const auto ratio = [&](const std::vector<double>& over, const std::vector<double>& under) {
    return stats::ratio_replicates(table, over, under);
  };
  for (const RouterPredictor& one : layer.predictors.all) {
    auto& found = out.predictors.emplace_back();
    if (!one.refused.empty()) continue;
    found = PredictorStatistics{.overlap = ratio(to_numbers(one.common), cases),
                                .exact = ratio(to_numbers(one.exact), study.unit_rows),
                                .top1 = ratio(to_numbers(one.top1), study.unit_rows),
                                .hits = {},
                                .mass = ratio(one.mass, study.unit_rows),
                                .r2 = ratio(one.error, layer.predictors.energy)};
    for (size_t b = 0; b < kRouterBudgets; ++b) {
      found->hits[b] = ratio(to_numbers(one.hits[b]), cases);
    }
    found->r2.estimate = 1 - found->r2.estimate;
    for (double& value : found->r2.values) value = 1 - value;
  }
  out.estimates = router_estimates(layer.predictors, study.unit_rows, cases, table);
  return out;
}

Json by_margin_json(const RouterPredictor& one, const RouterLayer& layer, const BlockJson& json) {
  Json out = Json::array();
  for (size_t d = 0; d < one.margin_common.size(); ++d) {
    const auto rows = static_cast<double>(layer.predictors.margin_rows[d]);
    const auto common = static_cast<double>(one.margin_common[d]);
    out.push_back(rows > 0 ? Json(common / (layer.top_k * rows))
                           : json.null("no row has a margin of this size"));
  }
  return out;
}

Json predictors_summary(const RouterLayer& layer, const LayerStatistics& found,
                        const BlockJson& json) {
  Json out = Json::array();
  for (size_t i = 0; i < found.predictors.size(); ++i) {
    const std::optional<PredictorStatistics>& one = found.predictors[i];
    if (!one) {
      out.push_back(json.null("there is no such predictor here"));
      continue;
    }
    Json hits = Json::array();
    for (const stats::Replicates& rate : one->hits) hits.push_back(json.block(&rate));
    const bool has_mass = !layer.predictors.negative_weights;
    out.push_back({{"overlap", json.block(&one->overlap)},
                   {"exact", json.block(&one->exact)},
                   {"top1", json.block(&one->top1)},
                   {"mass", json.block(has_mass ? &one->mass : nullptr)},
                   {"r2", json.block(&one->r2)},
                   {"hits", std::move(hits)},
                   {"by_margin", by_margin_json(layer.predictors.all[i], layer, json)}});
  }
  return out;
}

std::optional<double> oracle_of(const RouterLayer& layer, const LayerStatistics& found) {
  for (size_t i = 0; i < found.predictors.size(); ++i) {
    const RouterPredictor& one = layer.predictors.all[i];
    if (one.features == "gate_input" && one.model == "ridge" && found.predictors[i]) {
      return found.predictors[i]->overlap.estimate;
    }
  }
  return std::nullopt;
}

// (1/k) sum p q of shares of rows.
double chance_of(const std::vector<uint64_t>& p, double p_rows, const std::vector<uint64_t>& q,
                 double q_rows, uint32_t top_k) {
  double sum = 0;
  for (size_t e = 0; e < p.size(); ++e) {
    sum += static_cast<double>(p[e]) / p_rows * (static_cast<double>(q[e]) / q_rows);
  }
  return sum / top_k;
}

Json chosen_json(const RouterEstimates& found, const BlockJson& json) {
  Json out = Json::object();
  for (size_t i = 2; i < kRouterOverlaps; ++i) {  // the first two have one model each
    out[kRouterNumbers[i]] = found.chosen[i].empty() ? json.null("all of its models are refused")
                                                     : Json(found.chosen[i]);
  }
  return out;
}

Json router_layer_json(const RouterLayer& layer, const LayerStatistics& found,
                       const RouterStudy& study, Nulls& nulls) {
  const BlockJson json(nulls, "summary.per_layer." + layer_key(layer.layer), kRouterReasons);
  double tests = 0;
  for (const double rows : study.unit_rows) tests += rows;
  const double fitted = study.split.rows_of(readout::Part::train);
  const RouterPredictors& of = layer.predictors;
  const auto chance = [&](const std::vector<uint64_t>& p, double rows) {
    return chance_of(p, rows, of.test_chosen, tests, layer.top_k);
  };
  Json out = {{"rows_per_feature", rows_per_feature(layer, study.split)},
              {"chance", chance(of.test_chosen, tests)},
              {"chance_from_fitted", chance(of.fitted_chosen, fitted)},
              {"predictors", predictors_summary(layer, found, json)},
              {"chosen", chosen_json(found.estimates, json)}};
  add_gaps(found.estimates, json, out);
  out["key_gap"]["outcome"] = router_outcome(interval_of(found.estimates.numbers[kKeyGap]));
  out["sentence"] = router_sentence(found.estimates);
  out["ceiling"] = ceiling_block(found.estimates, json);
  const std::optional<double> oracle = oracle_of(layer, found);
  out["oracle"] = oracle ? Json(*oracle) : json.null(kNoNumber);
  out["sound"] = oracle && *oracle >= kSoundOverlap;
  return out;
}

// Why there is no outcome; empty: there is one.
std::string degenerate_because(const RouterStudy& study,
                               const std::vector<LayerStatistics>& found) {
  if (study.layers.empty()) return "layers";
  for (size_t l = 0; l < found.size(); ++l) {
    const std::optional<double> oracle = oracle_of(study.layers[l], found[l]);
    if (!oracle || *oracle < kSoundOverlap) return "pipeline";
  }
  for (const LayerStatistics& layer : found) {
    if (!layer.estimates.numbers[kKeyGap] || !layer.estimates.numbers[kAttentionGap]) {
      return "predictors";
    }
  }
  return "";
}

Json router_verdict(const RouterStudy& study, const std::vector<LayerStatistics>& found,
                    const RouterEstimates& model, Nulls& nulls) {
  const BlockJson json(nulls, "summary.verdict", kRouterReasons);
  const std::string degenerate = degenerate_because(study, found);
  const auto outcome = router_outcome(interval_of(model.numbers[kKeyGap]));
  Json out = {{"margin", kEquivalenceMargin},
              {"outcome", degenerate.empty() ? outcome : "DEGENERATE"},
              {"degenerate", degenerate.empty() ? Json(nullptr) : Json(degenerate)},
              {"sentence", degenerate.empty() ? router_sentence(model) : "undecided"}};
  Json& overlap = out["overlap"] = Json::object();
  for (size_t i = 0; i < kRouterOverlaps; ++i) {
    overlap[kRouterNumbers[i]] = json.block(model.numbers[i]);
  }
  out["place"] = router_place(interval_of(model.numbers[kResidualOverlap]));
  out["ceiling"] = ceiling_block(model, json);
  add_gaps(model, json, out);
  double oracle = study.layers.empty() ? kNaN : 1, per_feature = oracle;
  for (size_t l = 0; l < found.size(); ++l) {
    const double rows = rows_per_feature(study.layers[l], study.split);
    per_feature = l == 0 ? rows : std::min(per_feature, rows);
    const double of_layer = oracle_of(study.layers[l], found[l]).value_or(kNaN);
    oracle = std::isnan(oracle) || std::isnan(of_layer) ? kNaN : std::min(oracle, of_layer);
  }
  out["oracle"] = json.number(oracle, "no layer, or one whose own input has no ridge readout");
  out["rows_per_feature"] =
      json.number(std::isnan(oracle) ? kNaN : per_feature, "there is no oracle");
  out["fitted_documents"] = study.split.fitted;
  return out;
}

}  // namespace

double rows_per_feature(const RouterLayer& layer, const RouterSplit& split) {
  uint32_t width = 0;
  for (const RouterPredictor& one : layer.predictors.all) width = std::max(width, one.width);
  return width == 0 ? 0 : static_cast<double>(split.rows_of(readout::Part::train)) / width;
}

Json router_summary(const RouterStudy& study, Nulls& nulls) {
  const stats::CountTable table(study.split.units, study.replicates, study.seed, kRouterUnitDraws);
  std::vector<LayerStatistics> found(study.layers.size());
  parallel_for(found.size(), study.threads, [&](size_t l, int) {
    found[l] = statistics_of_layer(study.layers[l], study, table);
  });
  Json per_layer = Json::object();
  std::vector<RouterEstimates> of_layers;
  for (size_t l = 0; l < found.size(); ++l) {
    of_layers.push_back(found[l].estimates);
    per_layer[layer_key(study.layers[l].layer)] =
        router_layer_json(study.layers[l], found[l], study, nulls);
  }
  const RouterEstimates model = router_mean(of_layers);
  Json verdict = router_verdict(study, found, model, nulls);
  const auto outcome = verdict.at("outcome").get<std::string>();
  const std::optional<double> z =
      outcome == "DEGENERATE" ? std::nullopt
                              : difference_z(*model.numbers[kKeyGap], outcome, Difference::loss);
  return {{"bootstrap", bootstrap_json(table, study.seed)},
          {"anchors", {{"published_pre_attention", {kPublishedLeast, kPublishedMost}}}},
          {"per_layer", std::move(per_layer)},
          {"verdict", std::move(verdict)},
          {"replication", replication_json(z, study.split.units, nulls)}};
}

}  // namespace rg::experiments
