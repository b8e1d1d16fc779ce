// Hunyuan 3: sigmoid scores with a selection bias and no groups, weights normalised and scaled,
// grouped-query attention with normed heads, the first layer dense.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {

Model bind_hy_v3(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "hy_v3", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 11158840, .head_width = heads.head_width}).rope;
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = QkNorm::per_head,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const bool mlp_biases = decoder.switched("mlp_bias", "experts.bias", false);
  const gate::GateSpec gate = {.experts = decoder.count({"num_experts", "num_local_experts"}),
                               .top_k = decoder.count({"num_experts_per_tok"}),
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::sigmoid, kFixed},
                               .selection_bias = {true, kFixed},
                               .groups = {1u, kFixed},
                               .groups_kept = {1u, kFixed},
                               .group_score = {gate::GroupScore::none, kFixed},
                               .weigh = {gate::Weigh::scores, kFixed},
                               .normalise = {gate::Normalise::by_sum_plus_epsilon, kFixed},
                               .epsilon = {1e-20f, kFixed},
                               .scaling = decoder.real("router_scaling_factor", std::nullopt),
                               .per_expert_scale = {false, kFixed},
                               .ids_from_table = {false, kFixed},
                               .shared_experts = decoder.count({"num_shared_experts"})};
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 1);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    // The hub's names, and those that transformers has in memory.
    const std::string mlp = layer + "mlp.";
    const FeedForwardNames names = {
        .router = decoder.first_of({mlp + "router.gate.weight", mlp + "gate.weight"}),
        .selection_bias = decoder.first_of({mlp + "expert_bias", mlp + "e_score_correction_bias"}),
        .experts = mlp + "experts.",
        .shared = decoder.first_of({mlp + "shared_mlp.gate_proj.weight",
                                    mlp + "shared_experts.gate_proj.weight"})
                          .starts_with(mlp + "shared_mlp.")
                      ? mlp + "shared_mlp."
                      : mlp + "shared_experts.",
        .dense = mlp,
        .biased = mlp_biases};
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  // Precision of the reference's sum over experts; here it is fp32 always.
  static constexpr KnownKey kUnread[] = {
      {"enable_attention_fp32_softmax", Harmless::always},
      {"enable_lm_head_fp32", Harmless::always},
      {"enable_moe_fp32_combine", Harmless::always},
      {"eod_token_id", Harmless::always},
      {"expert_hidden_dim", Harmless::always},
      {"moe_router_enable_expert_bias", Harmless::if_true},
      {"moe_router_use_sigmoid", Harmless::if_true},
      {"qk_norm", Harmless::if_true},
      {"route_norm", Harmless::if_true},
      {"sliding_window", Harmless::if_null},
      {"use_grouped_mm", Harmless::always},
  };
  return decoder.finish(kUnread);
}

}  // namespace rg::model
