#include "verify/verify.h"

#include "app/commands.h"
#include "app/output.h"
#include "app/stop_watch.h"
#include "app/verdicts.h"
#include "base/cores.h"

namespace rg::app {

int verify_command(const VerifyOptions& options, const GlobalOptions&) {
  const StopWatch watch("verifying writes nothing; run the same command again.");
  verify::Options judge;
  judge.strict_members = options.strict;
  judge.recompute_convergence = options.convergence;
  judge.required_layers = options.required_layers;
  judge.threads = effective_threads(0);
  auto judgements = verify::verify_paths(options.paths, judge);
  if (!options.model.empty()) compare_with_model(judgements, options.model);
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
