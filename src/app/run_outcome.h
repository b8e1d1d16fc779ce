// What a run left behind, for whoever prints it: `run` itself, or a command that is a run and shows
// another table.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "app/global_options.h"
#include "app/options.h"
#include "verify/verify.h"

namespace rg::app {

struct RunOutcome {
  std::vector<verify::Judgement> judgements;  // of the artifacts
  verify::Options judge_options;
  std::vector<std::filesystem::path> files;  // the artifacts first, in the order of judgements
};

// Measures, writes, verifies; then `show` prints, and its result is the exit code. The errors of a
// run; 128 + signal after a stop.
int run_and_show(const RunOptions& options, const GlobalOptions& global,
                 const std::function<int(const RunOutcome&)>& show);

}  // namespace rg::app
