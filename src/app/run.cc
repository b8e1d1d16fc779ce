// run, and audit: everything checked, then the passes, artifacts, verdicts, the table.
#include <ctime>

#include "app/audit_table.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/run_outcome.h"
#include "app/run_summary.h"
#include "app/stop_watch.h"
#include "app/study.h"
#include "app/verdicts.h"
#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/file.h"
#include "lab/outcome.h"
#include "lab/programme.h"
#include "lab/run_folder.h"
#include "record/artifact.h"
#include "verify/verify.h"

namespace rg::app {
namespace {

constexpr const char* kNothingWritten =
    "no artifact of this run was written, and those of earlier runs are as they were. "
    "Run the same command again to start over.";
constexpr const char* kSomeWritten =
    "some artifacts of this run may be written, and some of an earlier run not yet replaced; each "
    "is complete. Run the same command again to start over.";
constexpr const char* kArtifactsWritten =
    "the artifacts are written, the verdicts are not. `routegauge verify` on the output folder "
    "judges them; the same command again starts over.";

std::vector<verify::Judgement> judge(const std::vector<record::WrittenArtifact>& artifacts,
                                     const verify::Options& options) {
  std::vector<verify::Judgement> judgements;
  for (const record::WrittenArtifact& artifact : artifacts) {
    throw_if_stopped();
    judgements.push_back(verify::judge_file(artifact.path, options));
  }
  return judgements;
}

using Paths = std::vector<std::filesystem::path>;

Paths paths_of(const std::vector<record::WrittenArtifact>& artifacts) {
  Paths paths;
  for (const record::WrittenArtifact& artifact : artifacts) paths.push_back(artifact.path);
  return paths;
}

void print_outcome(const RunOptions& options, const GlobalOptions& global,
                   const RunOutcome& outcome) {
  if (options.json) {
    print(verify::render_json(outcome.judgements, outcome.judge_options));
    return;
  }
  const bool audit = !options.audited.empty();
  const size_t artifacts = outcome.judgements.size();  // they come first
  print(verify::render_table(outcome.judgements, table_style(options.shape)) +
        (audit ? '\n' + audit_tables(std::span(outcome.files).first(artifacts)) : "") +
        run_summary(options.out, outcome.files, options.shape, global.program));
}

RunOutcome run_in_folder(const RunOptions& options, lab::Study& study, lab::RunFolder& folder,
                         ProgressPrinter& progress, StopWatch& watch) {
  lab::Programme& programme = study.programme();
  const Json identity = study.identity();
  verify::Options judge_options;
  judge_options.threads = effective_threads(options.engine.threads);

  if (const auto done = folder.find_same_run(identity, study.tests(), options.overwrite)) {
    progress.step("this run is done already: nothing was measured again");
    progress.finish_line();
    auto paths = paths_of(*done);
    paths.push_back(folder.path() / "verdicts.json");
    return {judge(*done, judge_options), judge_options, paths};
  }

  programme.make_plans(folder.path());
  for (const auto& pass : programme.passes()) {
    for (const std::string& note : pass->notes()) progress.note(note);
  }
  folder.check_free_space(lab::expected_output_bytes(programme));
  throw_if_stopped();

  programme.run(progress, [&](lab::Pass& pass, const stream::PassResult& result) {
    study.take(pass, result, folder.path(), progress);
  });

  throw_if_stopped();
  watch.set_text(kSomeWritten);
  folder.begin(identity);
  const std::vector<record::ResultEntry> entries = study.write(folder.path());
  std::vector<record::WrittenArtifact> artifacts;
  std::vector<const Json*> bodies;
  for (const record::ResultEntry& entry : entries) {
    artifacts.push_back(entry.written);
    bodies.push_back(&entry.artifact);
  }
  watch.set_text(kArtifactsWritten);
  progress.step("verifying");
  const auto judgements = judge(artifacts, judge_options);
  progress.finish_line();
  write_file_atomically(folder.path() / "verdicts.json",
                        verify::render_json(judgements, judge_options), IfExists::replace);
  auto paths = paths_of(artifacts);
  paths.push_back(folder.path() / "verdicts.json");
  const std::time_t now = std::time(nullptr);
  const Json index =
      record::assemble_results(folder.path(), entries, experiments::comparisons(bodies), now);
  paths.push_back(record::write_results(folder.path(), index, now));
  folder.finish(identity, artifacts);
  return {judgements, judge_options, paths};
}

}  // namespace

int run_and_show(const RunOptions& options, const GlobalOptions& global,
                 const std::function<int(const RunOutcome&)>& show) {
  ProgressPrinter progress(global);
  StopWatch watch(kNothingWritten);
  try {
    const std::unique_ptr<lab::Study> study = make_study(options, lab::Purpose::run);
    lab::RunFolder folder(options.out);
    if (folder.note()) progress.note(*folder.note());
    study->read(options.engine, folder.path(), progress);
    return show(run_in_folder(options, *study, folder, progress, watch));
  } catch (const Interrupted& stop) {
    progress.finish_line();
    print_error("stopped: " + watch.text() + '\n');
    return 128 + stop.signal_number();
  }
}

int run_command(const RunOptions& options, const GlobalOptions& global) {
  return run_and_show(options, global, [&](const RunOutcome& outcome) {
    print_outcome(options, global, outcome);
    return static_cast<int>(ExitCode::done);
  });
}

}  // namespace rg::app
