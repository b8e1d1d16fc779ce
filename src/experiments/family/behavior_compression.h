// The negative control of boundary_amplification: is what two checkpoints predict changed mostly
// where the reference's margin is small, too? The change of the true next token's log-probability,
// by the same quantiles of the same margins (docs/artifacts.md, 8).
#pragma once

#include <span>

#include "experiments/family/boundary_record.h"
#include "record/artifact.h"

namespace rg::experiments {

// log_p_a, log_p_b (windows, T): log-probability of the true next token in each checkpoint, nats.
// Gives compression_qs, layers, verification, per_window, summary, null_reasons. After the pass of
// the reference.
record::Contribution reduce_behavior_compression(const BoundaryRecord& record,
                                                 std::span<const double> log_p_a,
                                                 std::span<const double> log_p_b);

}  // namespace rg::experiments
