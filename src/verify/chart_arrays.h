// The per-window arrays of chart_compatibility, read and checked against the counts stored with
// them.
#pragma once

#include "verify/analysis.h"

namespace rg::verify::chart {

using Arrays = std::map<std::string, LayerWindows>;  // "boundary.kappa_hidden_median"

struct Record {
  Arrays arrays;
  // (layers)(windows) whether a token lay in boundary and interior both: nothing in the window is
  // defined though its margins are. Empty for a published artifact, which doesn't say.
  std::map<int, std::vector<bool>> overlapping;
};

// strata_def, controls.
void check_definition(const Case& c);
Record read_record(const Case& c);

}  // namespace rg::verify::chart
