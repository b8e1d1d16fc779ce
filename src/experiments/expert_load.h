// How routing load is spread: counts, cold experts and workhorses with their convergence,
// repetition, co-activation, transitions between layers, vocabulary. Counts all seq_len positions.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration expert_load_declaration();

}  // namespace rg::experiments
