// The null hypotheses of terminal_ovk_scan: the overlap of two independent sets
// (docs/artifacts.md section 4).
#pragma once

#include "verify/tests.h"

namespace rg::verify {

// By layer; selections of each expert over all defined positions of all windows.
using ExpertCounts = std::map<int, std::vector<int64_t>>;

// Top-level `expert_counts`, held against the defined positions of every measured layer.
ExpertCounts read_expert_counts(const Case& c, const LayerWindows& undefined);
// summary.null.
void claim_overlap_nulls(const Case& c, const ExpertCounts& counts, Claims& claims);

}  // namespace rg::verify
