#include "experiments/key_only_arrays.h"

#include "certificates/decision_table.h"
#include "experiments/kv_view.h"

namespace rg::experiments {
namespace {

using certificates::LayerFacts;

certificates::QkNorm table_norm(tap::KeyNorm norm) {
  if (norm == tap::KeyNorm::none) return certificates::QkNorm::none;
  return norm == tap::KeyNorm::full_width ? certificates::QkNorm::full_width
                                          : certificates::QkNorm::per_head;
}

// Every layer here is serial: its router reads what attention has added to.
LayerFacts facts_of(const tap::KeyView& keys, const tap::LayerView& gate) {
  const bool latent = keys.latent_width > 0;
  const gate::GateSpec& spec = *gate.spec;
  return {.router_reads = certificates::RouterReads::after_attention,
          .key_dimensions =
              latent ? keys.latent_width + keys.shared_width : keys.kv_heads * keys.key_width,
          .key_heads = latent ? 1 : keys.kv_heads,
          .width = keys.width,
          .qk_norm = table_norm(keys.norm),
          .key_bias = keys.key_bias,
          .clipped = keys.clip.has_value(),
          .linear_at_first = keys.linear_at_first,
          .values_seen = !latent && !keys.values_are_keys,
          .router_bias = spec.logit_bias,
          .plain_top_k =
              !spec.selection_bias && spec.groups == spec.groups_kept && !spec.ids_from_table,
          .first_layer = keys.layer == 0,
          .epsilon = static_cast<double>(keys.input_epsilon)};
}

Json levels_json(const certificates::Levels& levels) {
  Json out = Json::array();
  const auto add = [&](bool can_exist, const char* name) {
    if (can_exist) out.push_back(name);
  };
  add(levels.exact, "exact");
  add(levels.enclosed, "enclosed");
  add(levels.on_manifold, "on_manifold");
  add(levels.identical_bytes, "identical_bytes");
  add(levels.twin_tokens, "twin_tokens");
  return out;
}

Json table_json(const LayerFacts& facts) {
  Json out = Json::array();
  for (const certificates::Row& row : certificates::decision_table(facts)) {
    out.push_back({{"inputs", certificates::name(row.inputs)},
                   {"summary", certificates::name(row.summary)},
                   {"answer", certificates::name(row.answer)},
                   {"theorem", row.theorem},
                   {"condition", row.condition},
                   {"reservation", row.reservation},
                   {"levels", levels_json(row.levels)}});
  }
  return out;
}

Json predictor_json(const RouterPredictor& found, bool has_mass, const std::string& path,
                    Nulls& nulls) {
  Json out = {{"features", found.features}, {"model", found.model}};
  if (!found.refused.empty()) {
    out["refused"] = found.refused;
    return out;
  }
  out["width"] = found.width;
  out["choosing_common"] = found.choosing_common;
  out["common"] = found.common;
  out["exact"] = found.exact;
  out["top1"] = found.top1;
  out["hits"] = found.hits;
  out["mass"] = has_mass ? Json(found.mass) : nulls.null(path, "a weight of the gate is negative");
  out["error"] = found.error;
  out["margin_common"] = found.margin_common;
  if (found.lambda) {
    out["lambda"] = *found.lambda;
    Json& grid = out["grid"] = Json::array();
    for (const auto& [lambda, error] : found.grid) {
      grid.push_back(
          {{"lambda", lambda}, {"error", nulls.number(error, path, "no solution at a lambda")}});
    }
  }
  if (!found.path.empty()) {
    out["path"] = nulls.array(found.path, path, "the loss isn't finite");
    out["best_epoch"] = found.best_epoch;
  }
  return out;
}

}  // namespace

Json router_architecture_json(const tap::KeyView& keys, const tap::LayerView& gate) {
  const LayerFacts facts = facts_of(keys, gate);
  return {{"mixer", keys.mixer},
          {"residual_width", keys.width},
          {"heads", keys.heads},
          {"kv_heads", keys.kv_heads},
          {"key_width", keys.key_width},
          {"value_width", keys.value_width},
          {"latent_width", keys.latent_width},
          {"shared_width", keys.shared_width},
          {"norm", name_of_norm(keys.norm)},
          {"key_bias", facts.key_bias},
          {"clipped", facts.clipped},
          {"linear_at_first", facts.linear_at_first},
          {"router_reads", "after_attention"},
          {"router_bias", facts.router_bias},
          {"plain_top_k", facts.plain_top_k},
          {"first_layer", facts.first_layer},
          {"epsilon", facts.epsilon},
          {"table", table_json(facts)}};
}

Json router_geometry_json(const RouterLayer& layer, Nulls& nulls) {
  const std::string path = "geometry." + layer_key(layer.layer);
  if (!layer.geometry) return nulls.null(path, "a norm in front of keys or router is no RMS norm");
  const RouterGeometry& found = *layer.geometry;
  const auto optional = [&](const std::optional<double>& value, const char* reason) {
    return value ? Json(*value) : nulls.null(path, reason);
  };
  constexpr const char* kNothing = "no direction, no pair, a gain of 0, or no plain top-k";
  Json determined = nullptr;
  if (found.determined) {
    determined = {{"rows", found.determined->rows}, {"determined", found.determined->determined}};
  } else {
    determined = nulls.null(path, kNothing);
  }
  return {{"rank", found.rank},
          {"condition", optional(found.condition, kNothing)},
          {"directions", found.directions},
          {"eta", optional(found.eta, kNothing)},
          {"eta_null", found.eta_null},
          {"eta_sigma", optional(found.eta_sigma, kNothing)},
          {"angles", found.angles},
          {"boundary",
           {{"rows", found.rows},
            {"seen", found.seen},
            {"undefined", found.undefined},
            {"median", optional(found.median_ratio, kNothing)}}},
          {"determined", std::move(determined)}};
}

Json router_truth_json(const RouterPredictors& predictors) {
  return {{"energy", predictors.energy},
          {"fitted_chosen", predictors.fitted_chosen},
          {"test_chosen", predictors.test_chosen},
          {"margin_rows", predictors.margin_rows}};
}

Json router_predictors_json(const RouterLayer& layer, Nulls& nulls) {
  const std::string path = "predictors." + layer_key(layer.layer);
  Json out = Json::array();
  for (const RouterPredictor& found : layer.predictors.all) {
    out.push_back(predictor_json(found, !layer.predictors.negative_weights, path, nulls));
  }
  return out;
}

Json router_ceiling_json(const RouterLayer& layer, Nulls& nulls) {
  if (!layer.predictors.ceiling) {
    return nulls.null("ceiling." + layer_key(layer.layer), "there is no ridge readout of the keys");
  }
  return {{"lower", layer.predictors.ceiling->lower}, {"upper", layer.predictors.ceiling->upper}};
}

Json router_split_json(const RouterSplit& split) {
  return {{"documents", split.documents}, {"fitted", split.fitted}, {"choosing", split.choosing},
          {"tests", split.tests},         {"units", split.units},   {"of_window", split.of_window}};
}

}  // namespace rg::experiments
