#include "verify/verify.h"

#include "app/certificate_verdicts.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "app/verdicts.h"
#include "base/cores.h"

namespace rg::app {

namespace {

// Artifacts by the judge, certificates by the laboratory, in the order of the paths.
std::vector<verify::Judgement> judge_paths(const VerifyOptions& options,
                                           const verify::Options& judge,
                                           const GlobalOptions& global) {
  std::vector<std::filesystem::path> artifacts, certificates;
  for (const std::filesystem::path& path : options.paths) {
    const std::vector<std::filesystem::path> found = certificates_at(path);
    certificates.insert(certificates.end(), found.begin(), found.end());
    if (found.empty()) artifacts.push_back(path);
  }
  std::vector<verify::Judgement> judgements;
  if (!artifacts.empty()) {
    judgements = verify::verify_paths(artifacts, judge);
    if (!options.model.empty()) compare_with_model(judgements, options.model);
  }
  if (certificates.empty()) return judgements;
  ProgressPrinter progress(global);
  const auto checked = judge_certificates(certificates, options.model, progress);
  progress.finish_line();
  judgements.insert(judgements.end(), checked.begin(), checked.end());
  return judgements;
}

}  // namespace

int verify_command(const VerifyOptions& options, const GlobalOptions& global) {
  const StopWatch watch("verifying writes nothing; run the same command again.");
  verify::Options judge;
  judge.strict_members = options.strict;
  judge.recompute_convergence = options.convergence;
  judge.required_layers = options.required_layers;
  judge.threads = effective_threads(0);
  const auto judgements = judge_paths(options, judge, global);
  if (options.json) {
    print(verify::render_json(judgements, judge));
  } else if (options.csv) {
    print(verify::render_csv(judgements));
  } else {
    verify::TableStyle style = table_style(options.shape);
    style.times = options.shape.details;
    print(verify::render_table(judgements, style));
  }
  return static_cast<int>(verify::exit_code(judgements));
}

}  // namespace rg::app
