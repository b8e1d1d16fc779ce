// What the tests of an edge add to a pass, and how fast a bootstrap is.
#pragma once

#include <filesystem>

#include "experiments/experiment.h"
#include "stream/pass.h"

namespace rg::bench {

// Seconds of a pass over the checkpoint with its own gates as those of another one, recorded for
// boundary_amplification.
double edge_pass_seconds(const formats::Checkpoint& checkpoint, const model::Model& model,
                         const tap::SequenceSet& windows, const stream::Settings& settings);

// Seconds of one thread for 10,000 replicates of the means of 64 layers over 200 windows.
double bootstrap_seconds();

}  // namespace rg::bench
