#include "experiments/audit/audit_arrays.h"

#include <utility>

namespace rg::experiments {
namespace {

constexpr const char* kOneDocument = "all windows are of one document: no half to fit on";
constexpr const char* kNoDeciles = "no margin is defined, or all are equal";

Json counts_of(const AuditRecord& record, AuditCount count) {
  return by_layer(record.setting().layers,
                  [&](size_t slot) { return Json(record.counts(count, slot)); });
}

Json named_counts(const AuditRecord& record,
                  std::initializer_list<std::pair<const char*, AuditCount>> names) {
  Json object = Json::object();
  for (const auto& [name, count] : names) object[name] = counts_of(record, count);
  return object;
}

Json deciles_json(const AuditRecord& record, Nulls& nulls) {
  Json object = Json::object();
  for (size_t kind = 0; kind < margin_kinds(record.setting().spec); ++kind) {
    object[kMarginKinds[kind]] = by_layer(record.setting().layers, [&](size_t slot) -> Json {
      const auto& deciles = record.deciles(static_cast<MarginKind>(kind), slot);
      if (!deciles) {
        return nulls.null(std::string("per_window.deciles.") + kMarginKinds[kind] + '.' +
                              layer_key(record.setting().layers[slot]),
                          kNoDeciles);
      }
      return {
          {"decisions", deciles->decisions}, {"flips", deciles->flips}, {"mass", deciles->mass}};
    });
  }
  return object;
}

Json bounds_json(const AuditRecord& record, Nulls& nulls) {
  const std::vector<int>& layers = record.setting().layers;
  if (record.folds().empty()) return nulls.null("per_window.bounds", kOneDocument);
  if (!record.forecast(0).bounds) {
    return nulls.null("per_window.bounds", "the gate has groups or a selection bias");
  }
  const auto sums = [&](std::vector<double> ForecastBounds::*bound) {
    return by_layer(layers,
                    [&](size_t slot) { return Json((*record.forecast(slot).bounds).*bound); });
  };
  return {{"lower", sums(&ForecastBounds::lower)},
          {"upper", sums(&ForecastBounds::upper)},
          {"pair", sums(&ForecastBounds::pair)}};
}

Json forecasts_json(const AuditRecord& record, Nulls& nulls) {
  if (record.folds().empty()) return nulls.null("per_window.forecasts", kOneDocument);
  const auto draws = [&](DrawCounts LayerForecast::*forecast) {
    return by_layer(record.setting().layers,
                    [&](size_t slot) { return Json((record.forecast(slot).*forecast).of_window); });
  };
  return {{"F2", draws(&LayerForecast::f2)},
          {"F3", draws(&LayerForecast::f3)},
          {"F4", draws(&LayerForecast::f4)}};
}

Json floor_json(const AuditResults& results, Nulls& nulls) {
  Json floor = {{"gates", named_counts(results.record, {{"flips", AuditCount::floor_flips},
                                                        {"mass", AuditCount::floor_mass},
                                                        {"ties", AuditCount::floor_ties}})}};
  if (results.floor == nullptr) {
    floor["pass"] =
        nulls.null("per_window.floor.pass", "this CPU computes with one number format only");
    return floor;
  }
  const auto of_pass = [&](FloorCount count) {
    return by_layer(results.record.setting().layers,
                    [&](size_t slot) { return Json(results.floor->counts(count, slot)); });
  };
  floor["pass"] = {{"n_undefined", of_pass(FloorCount::undefined)},
                   {"flips", of_pass(FloorCount::flips)},
                   {"mass", of_pass(FloorCount::mass)}};
  return floor;
}

}  // namespace

Json decile_edges_json(const AuditRecord& record, Nulls& nulls) {
  Json object = Json::object();
  for (size_t kind = 0; kind < margin_kinds(record.setting().spec); ++kind) {
    object[kMarginKinds[kind]] = by_layer(record.setting().layers, [&](size_t slot) {
      const auto& deciles = record.deciles(static_cast<MarginKind>(kind), slot);
      return deciles ? Json(deciles->edges)
                     : nulls.null(std::string("decile_edges.") + kMarginKinds[kind] + '.' +
                                      layer_key(record.setting().layers[slot]),
                                  kNoDeciles);
    });
  }
  return object;
}

Json audit_per_window(const AuditResults& results, const WindowOutputs& outputs, Nulls& nulls) {
  const AuditRecord& record = results.record;
  const auto& layers = record.setting().layers;
  Json arrays = {{"n_undefined", counts_of(record, AuditCount::undefined)}};
  arrays["mass"] = named_counts(record, {{"total", AuditCount::total},
                                         {"local", AuditCount::local},
                                         {"inherited", AuditCount::inherited},
                                         {"through_a", AuditCount::through_a}});
  arrays["flips"] = counts_of(record, AuditCount::flips);
  arrays["reordered"] = counts_of(record, AuditCount::reordered);
  arrays["reweighted"] = counts_of(record, AuditCount::reweighted);
  arrays["distance"] = named_counts(record, {{"neighbour", AuditCount::neighbour},
                                             {"middle", AuditCount::middle},
                                             {"far", AuditCount::far}});
  arrays["depth_sum"] = by_layer(layers, [&](size_t slot) { return Json(record.depth_sum(slot)); });
  arrays["depth_n"] = counts_of(record, AuditCount::depth_n);
  arrays["deciles"] = deciles_json(record, nulls);
  arrays["onset"] = counts_of(record, AuditCount::onset);
  arrays["flipped_layers"] = {{"tokens", outputs.tokens},
                              {"kl_sum", outputs.kl_sum},
                              {"loss_delta_sum", outputs.loss_delta_sum}};
  arrays["kl"] = outputs.kl;
  arrays["loss_a"] = outputs.loss_a;
  arrays["loss_b"] = outputs.loss_b;
  arrays["loss_ab"] = outputs.loss_ab;
  arrays["loss_ba"] = outputs.loss_ba;
  arrays["top1_equal"] = outputs.top1_equal;
  const std::vector<uint32_t> none(record.windows(), 0);
  const char* const differ = "the gates of the two differ";
  const bool equal = record.gates_equal();
  arrays["guaranteed"] = equal ? counts_of(record, AuditCount::guaranteed)
                               : nulls.null("per_window.guaranteed", differ);
  // A flip among them would have ended the pass over B.
  arrays["guaranteed_flips"] = equal ? by_layer(layers, [&](size_t) { return Json(none); })
                                     : nulls.null("per_window.guaranteed_flips", differ);
  arrays["bounds"] = bounds_json(record, nulls);
  arrays["forecasts"] = forecasts_json(record, nulls);
  arrays["floor"] = floor_json(results, nulls);
  return arrays;
}

}  // namespace rg::experiments
