#include "app/log_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/table.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/parallel.h"
#include "base/wrap.h"
#include "lab/version.h"
#include "logs/record_file.h"

namespace rg::app {
namespace {

using logs::CheckOutcome;
using logs::Finding;

std::string layer_list(const logs::Record& record) {
  std::vector<int> layers;
  for (const logs::LayerLog& log : record.layers) layers.push_back(log.layer);
  return format_ranges(layers);
}

std::string facts_text(const logs::Record& record) {
  Table facts({Table::Align::left, Table::Align::left});
  facts.row({"format", record.format});
  if (!record.model.empty()) facts.row({"model", escape_for_terminal(record.model)});
  facts.row({"rows", fmt::format("{} of {}", format_count(record.rows),
                                 counted(record.sequences(), "sequence"))});
  facts.row({"layers", fmt::format("{} ({})", record.layers.size(), layer_list(record))});
  facts.row({"experts", record.experts > 0 ? fmt::format("{} of {}", record.k, record.experts)
                                           : fmt::format("{} of an unknown number", record.k)});
  std::string with = "ids";
  if (record.has_weights()) with += ", weights";
  if (record.logit_columns > 0) {
    with += fmt::format(", router logits ({})", logs::name(record.logits_kind));
  }
  if (!record.tokens.empty()) with += ", token ids";
  facts.row({"with", with});
  return facts.text(0);
}

std::string rows_text(const Finding& finding) {
  if (finding.rows.empty()) return "all";
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < finding.rows.size() && i < kShown; ++i) {
    const auto& [first, last] = finding.rows[i];
    text += (i > 0 ? ", " : "") +
            (first == last ? std::to_string(first) : fmt::format("{}-{}", first, last));
  }
  if (finding.rows.size() > kShown) {
    text += fmt::format(" and {} more runs", finding.rows.size() - kShown);
  }
  return text;
}

std::string effect_text(const logs::Effect& effect) {
  return fmt::format(
      "Layer {} with them, and without: entropy {:.2f} and {:.2f} bits, busiest expert {:.1f} and "
      "{:.1f} times the mean, overlap of neighbours {:.2f} and {:.2f}.",
      effect.layer, effect.with.entropy, effect.without.entropy, effect.with.busiest,
      effect.without.busiest, effect.with.overlap, effect.without.overlap);
}

std::string finding_text(const Finding& finding, const logs::Record& record, size_t columns) {
  constexpr size_t kIndent = 4;
  const auto sentence = [&](std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
    if (!text.ends_with('.')) text += '.';
    return wrapped(text, "", kIndent, columns);
  };
  std::string text = sentence(finding.found);
  const bool all_layers = finding.layers.empty() || finding.layers.size() == record.layers.size();
  text += sentence(fmt::format("Rows: {}. Layers: {}", rows_text(finding),
                               all_layers ? "all" : format_ranges(finding.layers)));
  if (finding.effect) text += sentence(effect_text(*finding.effect));
  text += sentence(finding.consequence);
  text += sentence("Repair: " + finding.repair);
  return text;
}

std::string result_word(const CheckOutcome& outcome) {
  if (outcome.result.findings.empty()) {
    return outcome.result.not_checked.empty() ? "clean" : "not checked";
  }
  const auto& findings = outcome.result.findings;
  const bool fault = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == logs::Severity::fault;
  });
  return std::string(name(fault ? logs::Severity::fault : logs::Severity::suspect));
}

std::string checks_text(const logs::Record& record, const std::vector<CheckOutcome>& checks,
                        bool colour, size_t columns) {
  std::string text = '\n' + styled("checks", Style::bold, colour) + '\n';
  size_t faults = 0, suspects = 0, clean = 0, unchecked = 0;
  for (const CheckOutcome& outcome : checks) {
    const std::string word = result_word(outcome);
    const bool found = !outcome.result.findings.empty();
    faults += word == "FAULT" ? 1u : 0u;
    suspects += word == "SUSPECT" ? 1u : 0u;
    unchecked += word == "not checked" ? 1u : 0u;
    clean += word == "clean" ? 1u : 0u;
    const std::string padded = fmt::format("{:<11}", word);
    text += fmt::format("  {:<3}  {}  {}", outcome.id,
                        styled(padded, found ? Style::bad : Style::dim, colour), outcome.title);
    if (!found && !outcome.result.not_checked.empty()) text += ": " + outcome.result.not_checked;
    text += '\n';
    for (const Finding& finding : outcome.result.findings) {
      text += finding_text(finding, record, columns);
    }
    for (const std::string& note : outcome.result.notes) {
      text += wrapped(note, "", 4, columns);
    }
  }
  text += fmt::format("\n{}: {} FAULT, {} SUSPECT, {} clean, {} not checked\n",
                      counted(checks.size(), "check"), faults, suspects, clean, unchecked);
  return text;
}

}  // namespace

std::string log_text(const logs::Record& record, const std::vector<CheckOutcome>& checks,
                     const LogOutputs& outputs, bool colour, size_t columns) {
  std::string text = facts_text(record);
  for (const std::string& note : record.notes) {
    text += wrapped(escape_for_terminal(note), "note: ", 6, columns);
  }
  if (!checks.empty()) text += checks_text(record, checks, colour, columns);
  if (!outputs.record.empty()) {
    text += fmt::format("\nWritten to {}\n", escape_for_terminal(outputs.record));
  }
  if (!outputs.cleaned.empty()) {
    text += fmt::format("\nWritten to {}, without {}\n", escape_for_terminal(outputs.cleaned),
                        counted(outputs.rows_left_out, "row"));
  }
  return text;
}

Json log_json(const logs::Record& record, const std::vector<CheckOutcome>& checks,
              const LogOutputs& outputs, int threads) {
  Json json = logs::record_facts(record, lab::version_text());
  json.erase("phase");  // a run per sequence: in the file only
  json["written"] = {{"record", nullptr}, {"cleaned", nullptr}};
  if (!outputs.record.empty()) json["written"]["record"] = outputs.record;
  if (!outputs.cleaned.empty()) {
    json["written"]["cleaned"] = outputs.cleaned;
    json["written"]["rows_left_out"] = outputs.rows_left_out;
  }
  std::vector<logs::LayerStatistics> statistics(record.layers.size());
  parallel_for(statistics.size(), threads, [&](size_t at, int) {
    statistics[at] = logs::layer_statistics(record, record.layers[at], {});
  });
  json["statistics"] = Json::object();
  for (size_t at = 0; at < statistics.size(); ++at) {
    json["statistics"][std::to_string(record.layers[at].layer)] =
        logs::statistics_json(statistics[at]);
  }
  json["checks"] = checks.empty() ? Json(nullptr) : logs::checks_json(checks);
  return json;
}

}  // namespace rg::app
