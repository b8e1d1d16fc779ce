// The gate semantics profile of an artifact: named, versioned, every field stated, so that a
// reader needs no knowledge of the family.
#pragma once

#include "base/json_fwd.h"
#include "gate/gate.h"

namespace rg::gate {

inline constexpr int kProfileVersion = 1;  // raised whenever a field is added or changes meaning

// `gate_semantics`: profile name and version; experts, topk, logit_bias, score, score_space,
// scores_dtype, selection_bias, groups, groups_kept, group_score, group_mask, weights, normalise,
// epsilon, scaling, shared_experts, shared_experts_eligible, tie_rule, nan_rule.
Json gate_profile(const GateSpec& spec);

}  // namespace rg::gate
