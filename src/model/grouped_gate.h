// The gate of DeepSeek-V3 and of the many families that took it over (sigmoid scores, a bias that
// counts for the selection only, groups ranked by their two best experts, weights normalised), and
// the feed-forward part of their layers.
#pragma once

#include "model/decoder.h"

namespace rg::model {

// Config keys that differ among these families.
struct GroupedGateKeys {
  std::initializer_list<std::string_view> experts = {"n_routed_experts", "num_local_experts"};
  std::string_view shared_experts = "n_shared_experts";
  std::initializer_list<std::string_view> top_k = {"num_experts_per_tok"};
  std::string_view groups = "n_group";
  uint32_t class_groups = 1, class_groups_kept = 1;  // defaults of n_group and topk_group
  std::string_view normalise = "norm_topk_prob";
  std::string_view scoring = "sigmoid";  // what its configs call these scores
  bool null_scaling = false;             // routed_scaling_factor may be null: 1
};

// n_group and topk_group, norm_topk_prob, routed_scaling_factor,
// num_experts_per_tok. scoring_func and topk_method must say what is computed here.
gate::GateSpec read_grouped_gate(Decoder& decoder, const GroupedGateKeys& keys = {});

// Widths of a layer's feed-forward part.
struct FeedForwardWidths {
  Dimension routed, dense;  // of one routed expert, of a dense layer's MLP
};

// The feed-forward part of one layer: with a gate, its experts and the shared ones (as one MLP,
// routed width times shared experts wide), else a dense MLP.
struct FeedForwardNames {
  std::string router, selection_bias;  // whole names
  std::string experts, shared, dense;  // prefixes
  bool biased = false;                 // biases of the shared and dense MLPs
  MlpNames mlp = {};                   // of the routed experts
};
void add_feed_forward(Decoder& decoder, Layer& layer, bool sparse, const gate::GateSpec& gate,
                      const FeedForwardWidths& widths, const FeedForwardNames& names);

// MLP names of DeepSeek's layout: mlp.gate, mlp.experts, mlp.shared_experts below `layer`.
FeedForwardNames deepseek_names(const std::string& layer);

}  // namespace rg::model
