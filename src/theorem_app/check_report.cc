#include "theorem_app/check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/table.h"
#include "base/cancel.h"
#include "base/json.h"
#include "base/parallel.h"
#include "lab/version.h"

namespace rg::app {
namespace {

using theorems::Finding;
using theorems::Relation;

std::string number(double value) { return fmt::format("{:.9g}", value); }

// value / limit, both of them not negative.
std::optional<double> share_of(double value, double limit) {
  if (!(value >= 0 && limit > 0)) return std::nullopt;
  return value / limit;
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json finding_json(const Finding& finding) {
  return {{"input", finding.input},         {"quantity", finding.quantity},
          {"value", finite(finding.value)}, {"relation", theorems::relation_text(finding.relation)},
          {"bound", finite(finding.bound)}, {"tolerance", finding.tolerance},
          {"holds", finding.holds}};
}

}  // namespace

std::vector<CheckResult> run_checks(const std::vector<theorems::Check>& checks, uint64_t seed,
                                    int threads) {
  std::vector<CheckResult> results(checks.size());
  parallel_for(checks.size(), threads, [&](size_t i, int) {
    throw_if_stopped();
    results[i] = {std::string(checks[i].id), theorems::run_check(checks[i], seed)};
  });
  return results;
}

std::optional<double> slack_used(const Finding& f) {
  switch (f.relation) {
    case Relation::equal:
      return share_of(std::abs(f.value - f.bound), f.tolerance);
    case Relation::at_most:
    case Relation::below:
      return share_of(f.value, f.bound + f.tolerance);
    case Relation::at_least:
    case Relation::above:
      return share_of(f.bound - f.tolerance, f.value);
  }
  return std::nullopt;
}

std::string summary_table(const std::vector<CheckResult>& results) {
  constexpr auto kRight = Table::Align::right;
  Table table({Table::Align::left, Table::Align::left, kRight, kRight});
  table.row({"ID", "HOLDS", "FINDINGS", "SLACK USED"});
  for (const CheckResult& result : results) {
    std::optional<double> largest;
    for (const Finding& finding : result.findings.list()) {
      const auto share = slack_used(finding);
      if (share && (!largest || *share > *largest)) largest = share;
    }
    table.row({result.id, result.findings.all_hold() ? "yes" : "NO",
               std::to_string(result.findings.list().size()),
               largest ? fmt::format("{:.3g}", *largest) : "-"});
  }
  return table.text(0);
}

std::string findings_table(const CheckResult& result) {
  constexpr auto kLeft = Table::Align::left;
  std::string out;
  const auto& list = result.findings.list();
  for (auto at = list.begin(); at != list.end();) {
    // One table per input: its name above its lines.
    const auto end = std::find_if(at, list.end(),
                                  [&](const Finding& other) { return other.input != at->input; });
    if (!at->input.empty()) out += "  " + at->input + '\n';
    Table table({kLeft, kLeft, Table::Align::right, kLeft, kLeft, kLeft});
    for (; at != end; ++at) {
      table.row({at->holds ? "holds" : "FAILS", at->quantity, number(at->value),
                 theorems::relation_text(at->relation), number(at->bound),
                 at->tolerance == 0 ? "" : "+- " + number(at->tolerance)});
    }
    out += table.text(4);
  }
  return out;
}

Json checks_json(const std::vector<CheckResult>& results, uint64_t seed) {
  Json checks = Json::array();
  for (const CheckResult& result : results) {
    Json findings = Json::array();
    for (const Finding& finding : result.findings.list()) {
      findings.push_back(finding_json(finding));
    }
    checks.push_back(
        {{"id", result.id}, {"holds", result.findings.all_hold()}, {"findings", findings}});
  }
  return {{"schema_version", 1},
          {"program_version", lab::program_version()},
          {"seed", seed},
          {"checks", checks}};
}

}  // namespace rg::app
