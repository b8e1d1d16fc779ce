#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/json.h"
#include "theorem_app/check_report.h"
#include "theorem_app/commands.h"
#include "theorem_app/theorem_lookup.h"

namespace rg::app {
namespace {

struct Selection {
  std::vector<theorems::Check> checks;  // in the catalogue's order, each once
  std::vector<std::string> without;     // asked for, but have no numerical check
};

Selection select(const theorems::Catalogue& catalogue, const std::vector<std::string>& ids) {
  Selection out;
  if (ids.empty()) {
    out.checks = theorems::all_checks();
    return out;
  }
  for (const std::string& id : ids) {
    const theorems::Entry& entry = find_entry(catalogue, id, "--id");
    if (!entry.check) out.without.push_back(entry.id);
  }
  for (const theorems::Check& check : theorems::all_checks()) {
    if (std::find(ids.begin(), ids.end(), check.id) != ids.end()) out.checks.push_back(check);
  }
  return out;
}

std::string in_full(const theorems::Catalogue& catalogue, const Selection& selection,
                    const std::vector<CheckResult>& results) {
  std::string out;
  for (const CheckResult& result : results) {
    out += fmt::format("{}  {}: {}\n", result.id, catalogue.find_entry(result.id)->title,
                       result.findings.all_hold() ? "holds" : "DOES NOT HOLD");
    out += findings_table(result);
  }
  for (const std::string& id : selection.without) {
    out += fmt::format("{}  {}: no numerical check\n", id, catalogue.find_entry(id)->title);
  }
  return out;
}

}  // namespace

int theorems_check_command(const TheoremsCheckOptions& options, const GlobalOptions& global) {
  const StopWatch watch("checking writes nothing; run the same command again.");
  const theorems::Catalogue& catalogue = theorems::catalogue();
  const Selection selection = select(catalogue, options.ids);
  const auto results = run_checks(selection.checks, options.seed, effective_threads(0));
  const auto holding = std::count_if(results.begin(), results.end(),
                                     [](const auto& r) { return r.findings.all_hold(); });
  const bool all_hold = static_cast<size_t>(holding) == results.size();
  if (options.json) {
    ProgressPrinter notes(global);
    for (const std::string& id : selection.without) notes.note(id + " has no numerical check");
    print(write_json(checks_json(results, options.seed), JsonLayout::indented) + '\n');
  } else {
    print((options.ids.empty() ? summary_table(results) : in_full(catalogue, selection, results)) +
          fmt::format("{} of {} checks hold, seed {}\n", holding, results.size(), options.seed));
  }
  return static_cast<int>(all_hold ? ExitCode::done : ExitCode::unsupported_claim);
}

}  // namespace rg::app
