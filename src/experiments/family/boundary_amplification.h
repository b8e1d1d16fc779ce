// Do two checkpoints disagree about routing mostly where the reference's margin is small? Their
// disagreement on the same gate inputs, by the margins' quantiles in each window and by their
// deciles over all windows (docs/artifacts.md, 7).
#pragma once

#include "experiments/family/boundary_record.h"
#include "record/artifact.h"

namespace rg::experiments {

// compression_qs, decile_bins, layers, verification, y_ref_A, y_ref_B, summary, null_reasons. After
// the pass of the reference.
record::Contribution reduce_boundary_amplification(const BoundaryRecord& record,
                                                   Direction direction);

}  // namespace rg::experiments
