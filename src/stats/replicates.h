// Sums of estimates, replicate by replicate; NaN where an operand is.
#pragma once

#include <span>

#include "stats/bootstrap.h"

namespace rg::stats {

// a - b. Both from as many replicates of the same draws.
Replicates difference(const Replicates& a, const Replicates& b);
// Of at least one part, added in their order.
Replicates mean_of(std::span<const Replicates* const> parts);

}  // namespace rg::stats
