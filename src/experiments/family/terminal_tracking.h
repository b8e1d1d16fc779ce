// terminal_tracking: is the largest drop at the last MoE layer in models of different
// depths? A bundle of terminal_ovk_scan artifacts. docs/artifacts.md, section 13.
#pragma once

#include <cstdint>
#include <span>

#include "base/json.h"
#include "record/artifact.h"

namespace rg::experiments {

// `scans`: two or more whole artifacts of one domain. RT011 if two of them measured the same
// weights.
record::Contribution bundle_terminal_scans(std::span<const Json* const> scans,
                                           uint32_t min_distinct);

}  // namespace rg::experiments
