// How much of what the theorems allow real keys, gates and experts use: every theorem that speaks
// of what a pass shows, evaluated on some tokens of every layer (docs/artifacts.md, 18).
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration theorem_slack_declaration();

}  // namespace rg::experiments
