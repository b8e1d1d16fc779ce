#include <fmt/format.h>

#include "app/commands.h"
#include "app/log_facts.h"
#include "app/log_options.h"
#include "app/log_report.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "gate/profile.h"
#include "lab/version.h"
#include "logs/record_file.h"
#include "logs/tokens.h"

namespace rg::app {
namespace {

// The rows that checks name, left out; LG012 if that is all of them.
logs::Record cleaned(const logs::Record& record, const std::vector<logs::RowRange>& rows,
                     const std::string& file) {
  if (logs::count_rows(rows) >= record.rows) {
    throw Error(ErrorId::LG012, {.file = file,
                                 .object = "--clean",
                                 .found = fmt::format("all {} rows named by checks", record.rows),
                                 .expected = "some that are not",
                                 .hint = "Nothing of the log can be used."});
  }
  return logs::without_rows(record, rows);
}

}  // namespace

int import_command(const ImportOptions& options, const GlobalOptions& global) {
  const StopWatch watch("what was not written yet is missing; run the same command again.");
  ProgressPrinter progress(global);
  const int threads = effective_threads(options.threads);
  std::optional<logs::ModelFacts> model;
  if (!options.model.empty()) model = log_model_facts(options.model);
  progress.step("reading " + options.file.filename().string());
  logs::Record record = logs::read_log_file(options.file, read_options(options, model, threads));
  if (model) {
    record.gate = gate::gate_profile(model->gate);
    if (record.model.empty()) record.model = model->name;
  }
  if (!options.tokens.empty()) {
    logs::attach_tokens(logs::read_token_lists(options.tokens), options.tokens.string(), record);
  }
  throw_if_stopped();
  std::vector<logs::CheckOutcome> outcomes;
  if (options.check || !options.clean.empty()) {
    progress.step("checking");
    const logs::Census census =
        logs::take_census(record, model ? model->gate.experts.value : 0u, threads);
    outcomes = logs::run_checks({.record = record,
                                 .census = census,
                                 .model = model,
                                 .thresholds = options.thresholds,
                                 .threads = threads});
    record.checks = logs::checks_json(outcomes);
    throw_if_stopped();
  }
  if (model && record.experts == 0) record.experts = model->gate.experts;  // as far as is known
  LogOutputs outputs;
  if (!options.out.empty()) {
    logs::write_record(record, options.out, lab::version_text());
    outputs.record = options.out.string();
  }
  if (!options.clean.empty()) {
    const std::vector<logs::RowRange> rows = logs::removable_rows(outcomes);
    logs::write_record(cleaned(record, rows, options.file.string()), options.clean,
                       lab::version_text());
    outputs.cleaned = options.clean.string();
    outputs.rows_left_out = logs::count_rows(rows);
  }
  progress.finish_line();
  if (options.json) {
    print(write_json(log_json(record, outcomes, outputs, threads), JsonLayout::indented) + '\n');
  } else {
    print(log_text(record, outcomes, outputs, stdout_has_colour(), stdout_columns()));
  }
  return static_cast<int>(logs::any_finding(outcomes) ? ExitCode::unsupported_claim
                                                      : ExitCode::done);
}

}  // namespace rg::app
