// The gate of DeepSeek-V3 and of the many families that took it over: sigmoid scores, a bias that
// counts for the selection only, groups ranked by their two best experts, weights normalised.
#pragma once

#include "model/decoder.h"

namespace rg::model {

// Config keys that differ among these families.
struct GroupedGateKeys {
  std::initializer_list<std::string_view> experts = {"n_routed_experts", "num_experts",
                                                     "num_local_experts"};
  std::string_view shared_experts = "n_shared_experts";
};

// n_group and topk_group (null: one group), norm_topk_prob, routed_scaling_factor,
// num_experts_per_tok. scoring_func and topk_method must say what is computed here.
gate::GateSpec read_grouped_gate(Decoder& decoder, const GroupedGateKeys& keys = {});

}  // namespace rg::model
