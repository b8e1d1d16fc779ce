#include "app/agree_report.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/json.h"

namespace rg::app {
namespace {

// 1 for a fault, named or not, and where it can't be told from noise.
ExitCode agreement_exit(const logs::AgreementReport& report) {
  if (report.all_equal) return ExitCode::done;
  const bool good = report.verdict ? *report.verdict == logs::Verdict::numerical
                                   : !report.faults || !report.faults->named;
  return good ? ExitCode::done : ExitCode::unsupported_claim;
}

}  // namespace

int agree_command(const AgreeOptions& options, const GlobalOptions& global) {
  const StopWatch watch("nothing is written; run the same command again to start over.");
  ProgressPrinter progress(global);
  const AgreeSides sides = read_sides(options, progress);
  throw_if_stopped();
  progress.step("comparing");
  logs::AgreementReport report =
      logs::compare_routings(sides.a, sides.b,
                             {.replicates = options.bootstrap,
                              .seed = options.seed,
                              .threads = effective_threads(options.engine.threads)});
  if (sides.replay && !report.all_equal) {
    report.notes.push_back(
        "Both sides are models: where their weights differ, BUG says that more than noise on the "
        "logits does, and no more.");
  }
  std::vector<ReplayRow> replay;
  if (sides.replay) replay = replay_rows(*sides.replay, options.bootstrap, options.seed);
  progress.finish_line();
  if (options.json) {
    print(write_json(agree_json(sides, report, replay, options), JsonLayout::indented) + '\n');
  } else {
    print(agree_text(sides, report, replay, stdout_has_colour(), stdout_columns()));
  }
  return static_cast<int>(agreement_exit(report));
}

}  // namespace rg::app
