// check --model: a run of theorem_slack, and what it found as a table.
#include <algorithm>
#include <filesystem>

#include "app/output.h"
#include "app/run_outcome.h"
#include "app/run_summary.h"
#include "base/error.h"
#include "base/json.h"
#include "theorem_app/commands.h"
#include "theorem_app/slack_report.h"
#include "theorem_app/theorem_lookup.h"

namespace rg::app {
namespace {

void print_slack(const TheoremsModelOptions& options, const GlobalOptions& global,
                 const RunOutcome& outcome, const std::vector<Json>& artifacts) {
  if (options.run.json) {
    Json list = Json::array();
    for (const Json& artifact : artifacts) list.push_back(slack_for_page(artifact));
    print(write_json({{"schema_version", 1}, {"artifacts", list}}, JsonLayout::indented) + '\n');
    return;
  }
  std::string out;
  for (const Json& artifact : artifacts) {
    out += options.ids.empty() ? slack_table(artifact) : slack_in_full(artifact, options.ids);
  }
  // This program has no command `verify`; the one that started it does.
  const auto verifier = std::filesystem::path(global.program).replace_filename("routegauge");
  print(out + '\n' +
        run_summary(options.run.out, outcome.files, options.run.shape, verifier.string()));
}

}  // namespace

int theorems_model_command(const TheoremsModelOptions& options, const GlobalOptions& global) {
  for (const std::string& id : options.ids) find_entry(theorems::catalogue(), id, "--id");
  return run_and_show(options.run, global, [&](const RunOutcome& outcome) {
    std::vector<Json> artifacts;
    for (size_t i = 0; i < outcome.judgements.size(); ++i) {
      artifacts.push_back(read_slack_artifact(outcome.files[i]));
    }
    print_slack(options, global, outcome, artifacts);
    const bool all_hold = std::all_of(artifacts.begin(), artifacts.end(), slack_holds);
    return static_cast<int>(all_hold ? ExitCode::done : ExitCode::unsupported_claim);
  });
}

}  // namespace rg::app
