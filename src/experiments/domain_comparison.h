// expert_load across artifacts: how each model's use of its experts divides over the domains.
#pragma once

#include <span>

#include "base/json.h"

namespace rg::experiments {

// schema/results.schema.json, `expert_load`.
Json compare_domains(std::span<const Json* const> artifacts);

}  // namespace rg::experiments
