// MiniMax-M2: sigmoid scores with a selection bias, weights normalised, no shared expert; queries
// and keys are normed over their full width, half of each head is rotated.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {
namespace {

// rotary_dim of the released configs, or partial_rotary_factor.
double read_partial(Decoder& decoder, uint32_t head_width) {
  const auto rotated = decoder.config().count_if("rotary_dim", "attention.rotary_dim");
  return rotated ? double{1} * *rotated / head_width : 1;
}

}  // namespace

Model bind_minimax_m2(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "minimax_m2", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const double partial = read_partial(decoder, heads.head_width);
  const Rope rope =
      read_rope(
          decoder,
          {.base = 5e6, .partial = partial, .may_be_partial = true, .head_width = heads.head_width})
          .rope;
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = QkNorm::full_width,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = std::nullopt};
  const gate::GateSpec gate = {.experts = decoder.count({"num_local_experts", "num_experts"}),
                               .top_k = decoder.count({"num_experts_per_tok"}),
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::sigmoid, kFixed},
                               .selection_bias = {true, kFixed},
                               .groups = {1u, kFixed},
                               .groups_kept = {1u, kFixed},
                               .group_score = {gate::GroupScore::none, kFixed},
                               .weigh = {gate::Weigh::scores, kFixed},
                               .normalise = {gate::Normalise::by_sum, kFixed},
                               .epsilon = {0.0f, kFixed},
                               .scaling = {1.0f, kFixed},
                               .per_expert_scale = {false, kFixed},
                               .ids_from_table = {false, kFixed},
                               .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  decoder.expect("attention_bias", false);
  decoder.expect("scoring_func", "sigmoid");
  decoder.expect("use_routing_bias", true);
  decoder.expect("use_qk_norm", true);
  decoder.expect("qk_norm_type", "per_layer");
  decoder.expect("shared_intermediate_size", 0);
  decoder.expect("attn_type_list", std::vector<int>(decoder.layers(), 1));
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    // The hub's names, and those that transformers 5 has in memory.
    const bool hub = !decoder.tensors().has(layer + "mlp.gate.weight");
    const std::string moe = layer + (hub ? "block_sparse_moe." : "mlp.");
    const std::string bias =
        decoder.first_of({moe + "e_score_correction_bias", moe + "gate.e_score_correction_bias"});
    decoder.add(
        {.mixer_norm = decoder.norm(layer + "input_layernorm"),
         .mixer = decoder.attention(layer + "self_attn.", attention, {false, false}),
         .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
         .router = decoder.router(moe + "gate.weight", gate, bias),
         .groups = groups(decoder.routed(moe + "experts.", gate, inner, {"w1", "w3", "w2"}))});
  }
  static constexpr KnownKey kUnread[] = {{"layernorm_full_attention_beta", Harmless::if_one},
                                         {"layernorm_linear_attention_beta", Harmless::if_one},
                                         {"layernorm_mlp_beta", Harmless::if_one},
                                         {"mlp_intermediate_size", Harmless::always},
                                         {"sliding_window", Harmless::if_null},
                                         {"mtp_transformer_layers", Harmless::always},
                                         {"router_jitter_noise", Harmless::always},
                                         {"shared_moe_mode", Harmless::always},
                                         {"use_mtp", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
