// terminal_compatibility: where the largest drop is at the last MoE layer, are the experts
// competing there alike? A bundle of one chart_compatibility and one terminal_ovk_scan artifact.
// docs/artifacts.md, section 14.
#pragma once

#include "base/json.h"
#include "record/artifact.h"

namespace rg::experiments {

// Whole artifacts of one checkpoint and domain. RT011 if the chart doesn't require the terminal MoE
// layer.
record::Contribution bundle_compatibility(const Json& chart, const Json& scan);

}  // namespace rg::experiments
