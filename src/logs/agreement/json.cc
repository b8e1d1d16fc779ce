// The report of a comparison as JSON (schema/agreement.schema.json).
#include "base/json.h"

#include <cmath>

#include "logs/agreement/agreement.h"

namespace rg::logs {
namespace {

Json number_json(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

Json interval_json(const std::optional<stats::Interval>& interval) {
  return interval ? Json{(*interval)[0], (*interval)[1]} : Json(nullptr);
}

Json measure_json(const Measure& measure) {
  return {{"value", number_json(measure.value)},
          {"interval", interval_json(measure.interval)},
          {"decisions", measure.decisions}};
}

Json measure_json(const std::optional<Measure>& measure) {
  return measure ? measure_json(*measure) : Json(nullptr);
}

Json agreement_row_json(const AgreementRow& row) {
  return {{"layer", row.layer ? Json(*row.layer) : Json(nullptr)},
          {"decisions", row.decisions},
          {"unrecorded", row.unrecorded},
          {"equal_sets", measure_json(row.same_sets)},
          {"overlap", measure_json(row.overlap)},
          {"equal_order", measure_json(row.same_order)},
          {"equal_first", measure_json(row.same_first)},
          {"weight_difference", measure_json(row.weight_difference)}};
}

Json flip_rows_json(const std::vector<FlipRow>& rows) {
  Json json = Json::array();
  for (const FlipRow& row : rows) {
    json.push_back({{"of", row.label}, {"flips", measure_json(row.flips)}});
  }
  return json;
}

Json onset_json(const Onset& onset) {
  Json json = {{"tokens", onset.tokens}, {"never", onset.never}, {"layers", Json::array()}};
  for (const OnsetRow& row : onset.layers) {
    const double reached = static_cast<double>(row.reached);
    json["layers"].push_back(
        {{"layer", row.layer},
         {"reached", row.reached},
         {"onsets", row.onsets},
         {"hazard",
          row.reached == 0 ? Json(nullptr) : Json(static_cast<double>(row.onsets) / reached)}});
  }
  return json;
}

Json fit_json(const NoiseFit& fit) {
  return {{"decisions", fit.decisions},
          {"flips", fit.flips},
          {"eps", fit.eps},
          {"eps_interval", Json{fit.eps_interval[0], fit.eps_interval[1]}},
          {"sigma", fit.sigma},
          {"verdict", name(fit.verdict)}};
}

Json trial_json(const FaultTrial& trial) {
  Json json = {{"fault", name(trial.kind)},    {"not_tried", nullptr},
               {"decisions", trial.decisions}, {"overlap", nullptr},
               {"declared", nullptr},          {"gain_interval", interval_json(trial.gain)},
               {"explains", trial.explains}};
  if (!trial.not_tried.empty()) {
    json["not_tried"] = trial.not_tried;
  } else {
    json["overlap"] = measure_json(trial.overlap);
    json["declared"] = measure_json(trial.declared);
  }
  return json;
}

Json faults_json(const FaultSearch& search) {
  Json json = {{"layers", search.layers},
               {"trials", Json::array()},
               {"named", search.named ? Json(name(*search.named)) : Json(nullptr)},
               {"permutations", nullptr}};
  for (const FaultTrial& trial : search.trials) json["trials"].push_back(trial_json(trial));
  if (!search.permutations.empty()) json["permutations"] = search.permutations;
  return json;
}

}  // namespace

Json agreement_json(const AgreementReport& report) {
  Json json = {{"schema_version", 1},
               {"rows", report.rows},
               {"sequences", report.sequences},
               {"layers", report.layers},
               {"notes", report.notes},
               {"agreement", Json::array()},
               {"all_equal", report.all_equal},
               {"flips",
                {{"by_margin", flip_rows_json(report.by_margin)},
                 {"by_position", flip_rows_json(report.by_position)},
                 {"by_phase", flip_rows_json(report.by_phase)}}},
               {"onset", onset_json(report.onset)},
               {"reference", nullptr},
               {"noise", nullptr},
               {"verdict", nullptr},
               {"no_verdict", nullptr},
               {"faults", nullptr}};
  for (const AgreementRow& row : report.agreement) {
    json["agreement"].push_back(agreement_row_json(row));
  }
  if (report.reference) json["reference"] = std::string(1, *report.reference);
  if (report.pooled) {
    json["noise"] = {{"pooled", fit_json(*report.pooled)}, {"layers", Json::array()}};
    for (const LayerVerdict& layer : report.layer_verdicts) {
      Json fit = fit_json(layer.fit);
      fit["layer"] = layer.layer;
      fit["sigma"] = layer.fit.sigma[0];
      fit["other_choice"] = layer.other_choice;
      json["noise"]["layers"].push_back(std::move(fit));
    }
  }
  if (report.verdict) json["verdict"] = name(*report.verdict);
  if (!report.no_verdict.empty()) json["no_verdict"] = report.no_verdict;
  if (report.faults) json["faults"] = faults_json(*report.faults);
  return json;
}

}  // namespace rg::logs
