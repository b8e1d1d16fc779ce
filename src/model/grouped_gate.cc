#include "model/grouped_gate.h"

#include "base/json.h"

namespace rg::model {
namespace {

gate::Stated<uint32_t> groups_of(Decoder& decoder, std::string_view key, uint32_t otherwise) {
  if (!decoder.config().has(key)) return {otherwise, kClassDefault};
  return {decoder.config().count(key, ""), "config.json: " + std::string(key)};
}

}  // namespace

gate::GateSpec read_grouped_gate(Decoder& decoder, const GroupedGateKeys& keys) {
  decoder.expect("scoring_func", keys.scoring);
  decoder.expect("topk_method", "noaux_tc");
  const gate::Stated<uint32_t> groups = groups_of(decoder, keys.groups, keys.class_groups);
  const gate::Stated<uint32_t> kept = groups_of(decoder, "topk_group", keys.class_groups_kept);
  const gate::Stated<bool> normalise = decoder.flag(keys.normalise, std::nullopt);
  const auto shared = decoder.config().count_if(keys.shared_experts, "").value_or(0);
  constexpr std::string_view kScaling = "routed_scaling_factor";
  const bool unscaled = keys.null_scaling && decoder.config().has(kScaling) &&
                        !decoder.config().real_if(kScaling, "");
  return {.experts = decoder.experts(keys.experts),
          .top_k = decoder.count(keys.top_k),
          .logit_bias = {false, kFixed},
          .score = {gate::Score::sigmoid, kFixed},
          .selection_bias = {true, kFixed},
          .groups = groups,
          .groups_kept = kept,
          .group_score = {groups > 1 ? gate::GroupScore::top2_sum : gate::GroupScore::none, kFixed},
          .weigh = {gate::Weigh::scores, kFixed},
          .normalise = {normalise ? gate::Normalise::by_sum_plus_epsilon : gate::Normalise::no,
                        normalise.source},
          .epsilon = {normalise ? 1e-20f : 0.0f, kFixed},
          .scaling = unscaled ? gate::Stated<float>{1.0f, "config.json: " + std::string(kScaling)}
                              : decoder.real(kScaling, std::nullopt),
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = {shared, "config.json: " + std::string(keys.shared_experts)}};
}

void add_feed_forward(Decoder& decoder, Layer& layer, bool sparse, const gate::GateSpec& gate,
                      const FeedForwardWidths& widths, const FeedForwardNames& names) {
  if (!sparse) {
    layer.groups = groups(decoder.shared(names.dense, widths.dense, {}, names.biased));
    return;
  }
  layer.router = decoder.router(names.router, gate, names.selection_bias);
  layer.groups = groups(decoder.routed(names.experts, gate, widths.routed, names.mlp));
  if (gate.shared_experts == 0) return;
  const Dimension shared = {widths.routed.size * gate.shared_experts,
                            widths.routed.key + "*shared experts"};
  layer.groups.push_back(decoder.shared(names.shared, shared, {}, names.biased));
}

FeedForwardNames deepseek_names(const std::string& layer) {
  const std::string mlp = layer + "mlp.";
  return {.router = mlp + "gate.weight",
          .selection_bias = mlp + "gate.e_score_correction_bias",
          .experts = mlp + "experts.",
          .shared = mlp + "shared_experts.",
          .dense = mlp};
}

}  // namespace rg::model
