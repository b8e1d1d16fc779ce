#include "app/agree_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/output.h"
#include "app/table.h"
#include "base/error.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/wrap.h"
#include "lab/version.h"

namespace rg::app {
namespace {

using logs::AgreementReport;
using logs::Measure;
using Align = Table::Align;

std::string share_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
}

std::string share_text(const std::optional<Measure>& measure) {
  return measure ? share_text(measure->value) : "-";
}

std::string with_interval(double value, const std::optional<stats::Interval>& interval) {
  std::string text = share_text(value);
  if (interval) text += fmt::format(" [{:.4f}, {:.4f}]", (*interval)[0], (*interval)[1]);
  return text;
}

std::string heading(const std::string& text, bool colour) {
  return '\n' + styled(text, Style::bold, colour) + '\n';
}

std::string sides_text(const AgreeSides& sides, const AgreementReport& report) {
  Table facts({Align::left, Align::left});
  const auto side = [&](const char* letter, const logs::Side& of, bool model) {
    facts.row({letter, fmt::format("{}, {}", escape_for_terminal(of.name),
                                   model ? "a model" : "a log (" + of.record.format + ")")});
  };
  side("A", sides.a, sides.a_is_model);
  side("B", sides.b, sides.b_is_model);
  facts.row(
      {"paired", fmt::format("{} of {}, layers {}", counted(report.rows, "row"),
                             counted(report.sequences, "sequence"), format_ranges(report.layers))});
  return facts.text(0);
}

std::string agreement_text(const AgreementReport& report, bool colour) {
  Table table({Align::right, Align::left, Align::right, Align::right, Align::right, Align::right,
               Align::right, Align::right});
  table.row({"layer", "equal sets", "overlap", "order", "first", "|dw|", "onset", "hazard"});
  for (size_t i = 0; i < report.agreement.size(); ++i) {
    const logs::AgreementRow& row = report.agreement[i];
    std::string onset = "-", hazard = "-";
    if (i < report.onset.layers.size() && report.onset.layers[i].reached > 0) {
      const logs::OnsetRow& at = report.onset.layers[i];
      onset = format_count(at.onsets);
      hazard = share_text(static_cast<double>(at.onsets) / static_cast<double>(at.reached));
    }
    table.row({row.layer ? std::to_string(*row.layer) : "all",
               with_interval(row.same_sets.value, row.same_sets.interval),
               share_text(row.overlap.value), share_text(row.same_order),
               share_text(row.same_first), share_text(row.weight_difference), onset, hazard});
  }
  return heading("agreement", colour) + table.text(2);
}

std::string flips_text(const std::string& by, const std::string& column,
                       const std::vector<logs::FlipRow>& rows, bool colour) {
  if (rows.size() < 2) return {};
  Table table({Align::right, Align::right, Align::left});
  table.row({column, "decisions", "other sets"});
  for (const logs::FlipRow& row : rows) {
    table.row({row.label, format_count(row.flips.decisions),
               with_interval(row.flips.value, row.flips.interval)});
  }
  return heading("other sets by " + by, colour) + table.text(2);
}

void add_fit(const std::string& layer, const logs::NoiseFit& fit, Table& table) {
  table.row(
      {layer, format_count(fit.decisions), format_count(fit.flips),
       fmt::format("{:.5f} [{:.5f}, {:.5f}]", fit.eps, fit.eps_interval[0], fit.eps_interval[1]),
       fit.sigma.size() == 1 ? fmt::format("{:.4g}", fit.sigma[0]) : "-",
       std::string(name(fit.verdict))});
}

std::string noise_text(const AgreementReport& report, bool colour) {
  if (!report.pooled) return {};
  Table table({Align::right, Align::right, Align::right, Align::left, Align::right, Align::left});
  table.row({"layer", "fitted", "flips", "eps: beyond margins", "sigma", "verdict"});
  for (const logs::LayerVerdict& layer : report.layer_verdicts) {
    add_fit(std::to_string(layer.layer), layer.fit, table);
  }
  add_fit("all", *report.pooled, table);
  return heading(fmt::format("noise on the logits of {}", report.reference == 'a' ? "A" : "B"),
                 colour) +
         table.text(2);
}

std::string faults_text(const AgreementReport& report, bool colour) {
  if (!report.faults) return {};
  Table table({Align::left, Align::right, Align::left, Align::left});
  table.row({"fault", "decisions", "overlap with it", "without"});
  for (const logs::FaultTrial& trial : report.faults->trials) {
    if (!trial.not_tried.empty()) continue;
    table.row({std::string(name(trial.kind)), format_count(trial.decisions),
               with_interval(trial.overlap.value, trial.overlap.interval),
               share_text(trial.declared.value)});
  }
  return heading("faults tried at layers " + format_ranges(report.faults->layers), colour) +
         table.text(2);
}

std::string routes_text(const std::string& routes) {
  if (routes == "a") return "A";
  if (routes == "natural") return "B";
  return routes == "ids" ? "B, experts of A" : "B, experts and weights of A";
}

std::string replay_text(const std::vector<ReplayRow>& rows, bool colour) {
  if (rows.empty()) return {};
  Table table({Align::left, Align::left, Align::left, Align::left});
  table.row({"routes", "loss", "above A", "KL from A"});
  const auto text = [](const std::optional<SequenceMean>& mean) {
    return mean ? with_interval(mean->value, mean->interval) : "";
  };
  for (const ReplayRow& row : rows) {
    table.row({routes_text(row.routes), share_text(row.loss.value), text(row.loss_above_a),
               text(row.kl)});
  }
  return heading("replay, nats per token", colour) + table.text(2);
}

std::string conclusion_text(const AgreementReport& report, bool colour, size_t columns) {
  const char suspect = report.reference == 'b' ? 'A' : 'B';
  std::string text = "\n";
  if (report.all_equal) text += wrapped("All sets are equal.", "", 0, columns);
  if (report.verdict) {
    const std::string word(name(*report.verdict));
    const Style style = *report.verdict == logs::Verdict::numerical ? Style::good : Style::bad;
    text += styled(word, style, colour);
    const auto [low, high] = report.pooled->eps_interval;
    text += fmt::format(": {:.3f} to {:.3f} % of choices differ whatever their margin\n", 100 * low,
                        100 * high);
  } else {
    text += wrapped("No verdict: " + report.no_verdict + '.', "", 0, columns);
  }
  if (!report.faults) return text;
  if (report.faults->named) {
    text += wrapped(fmt::format("{} {}.", suspect, sentence(*report.faults->named)), "fault: ", 7,
                    columns);
  } else {
    text += wrapped("none of those tried explains the difference.", "fault: ", 7, columns);
  }
  return text;
}

SequenceMean sequence_mean(const stats::CountTable& table, std::vector<double> values,
                           const std::vector<double>* minus) {
  for (size_t i = 0; minus != nullptr && i < values.size(); ++i) values[i] -= (*minus)[i];
  const stats::Replicates replicates = stats::mean_replicates(table, values);
  SequenceMean mean{.value = replicates.estimate, .interval = {}};
  if (values.size() > 1) mean.interval = stats::percentile_interval(replicates.values);
  return mean;
}

Json mean_json(const std::optional<SequenceMean>& mean) {
  if (!mean) return nullptr;
  Json json = {{"value", nullptr}, {"interval", nullptr}};
  if (!std::isnan(mean->value)) json["value"] = mean->value;
  if (mean->interval) json["interval"] = {(*mean->interval)[0], (*mean->interval)[1]};
  return json;
}

Json side_json(const logs::Side& side, bool model) {
  Json files = Json::array();
  for (const logs::SourceFile& file : side.record.sources) {
    files.push_back({{"name", file.name}, {"sha256", file.sha256}});
  }
  return {{"kind", model ? "model" : "log"},
          {"name", side.name},
          {"format", side.record.format},
          {"files", files},
          {"rows", side.record.rows},
          {"k", side.record.k},
          {"router_logits", !side.gates.empty()},
          {"notes", side.record.notes}};
}

}  // namespace

std::vector<ReplayRow> replay_rows(const lab::ThreeWayReplay& replay, uint32_t replicates,
                                   uint64_t seed) {
  const stats::CountTable table(replay.of_a.loss.size(), replicates, seed, 0);
  std::vector<ReplayRow> rows;
  rows.push_back({.routes = "a",
                  .loss = sequence_mean(table, replay.of_a.loss, nullptr),
                  .loss_above_a = {},
                  .kl = {}});
  const auto add = [&](const char* routes, const lab::Predictions& predictions) {
    rows.push_back({.routes = routes,
                    .loss = sequence_mean(table, predictions.loss, nullptr),
                    .loss_above_a = sequence_mean(table, predictions.loss, &replay.of_a.loss),
                    .kl = sequence_mean(table, predictions.kl, nullptr)});
  };
  add("natural", replay.natural);
  add("ids", replay.ids_replayed);
  add("ids_and_weights", replay.ids_and_weights_replayed);
  return rows;
}

std::string agree_text(const AgreeSides& sides, const AgreementReport& report,
                       const std::vector<ReplayRow>& replay, bool colour, size_t columns) {
  std::string text = sides_text(sides, report);
  const auto add_notes = [&](const std::string& prefix, const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
      text += wrapped(escape_for_terminal(note), "note: " + prefix, 6, columns);
    }
  };
  add_notes("A: ", sides.a.record.notes);
  add_notes("B: ", sides.b.record.notes);
  add_notes("", report.notes);
  text += agreement_text(report, colour);
  if (!report.all_equal) {
    text += flips_text("tenth of margins", "tenth", report.by_margin, colour);
    text += flips_text("position", "position", report.by_position, colour);
    text += flips_text("phase", "phase", report.by_phase, colour);
  }
  text += noise_text(report, colour);
  text += faults_text(report, colour);
  text += replay_text(replay, colour);
  return text + conclusion_text(report, colour, columns);
}

Json agree_json(const AgreeSides& sides, const AgreementReport& report,
                const std::vector<ReplayRow>& replay, const AgreeOptions& options) {
  Json json = logs::agreement_json(report);
  json["program"] = lab::version_text();
  json["a"] = side_json(sides.a, sides.a_is_model);
  json["b"] = side_json(sides.b, sides.b_is_model);
  json["settings"] = {{"seed", options.seed}, {"bootstrap", options.bootstrap}};
  json["replay"] = nullptr;
  if (!replay.empty()) json["replay"] = Json::array();
  for (const ReplayRow& row : replay) {
    json["replay"].push_back({{"routes", row.routes},
                              {"loss", mean_json(row.loss)},
                              {"loss_above_a", mean_json(row.loss_above_a)},
                              {"kl", mean_json(row.kl)}});
  }
  return json;
}

}  // namespace rg::app
