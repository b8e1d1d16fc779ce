// attention_router across artifacts: every model's findings, and the label that they share.
#pragma once

#include <span>

#include "base/json.h"

namespace rg::experiments {

// schema/results.schema.json, `attention_router`.
Json compare_models(std::span<const Json* const> artifacts);

}  // namespace rg::experiments
