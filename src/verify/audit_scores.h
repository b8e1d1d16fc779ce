// How well forecasts of an audit's flips do: calibration, Brier scores, skill and reliability, per
// layer and pooled (docs/artifacts.md, audit).
#pragma once

#include <string>

#include "verify/audit.h"

namespace rg::verify::audit {

// Claims summary.forecasts, by the replicates that kept their draws. Returns F4's pooled
// calibration and information, for the sentence; empty without forecasts.
struct Labels {
  std::string calibration, information;
};
Labels claim_scores(const Case& c, const Record& record, const Replicates& replicates,
                    Claims& claims);
// Columns that these scores resample, for the limits on work.
uint64_t score_columns(const Record& record);

}  // namespace rg::verify::audit
