// Mixtral 8x7B and 8x22B: every layer MoE, softmax over all experts, the selected weights
// normalised; grouped-query attention, in some releases with a sliding window.
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {

Model bind_mixtral(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "mixtral", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e6, .head_width = heads.head_width}).rope;
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = QkNorm::none,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = decoder.window(std::nullopt)};
  const gate::GateSpec gate = {.experts = decoder.count({"num_local_experts", "num_experts"}),
                               .top_k = decoder.count({"num_experts_per_tok"}),
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::softmax, kFixed},
                               .selection_bias = {false, kFixed},
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
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    // The hub's names, and those that transformers 5 has in memory.
    const std::string moe =
        layer + (decoder.tensors().has(layer + "mlp.gate.weight") ? "mlp." : "block_sparse_moe.");
    decoder.add(
        {.mixer_norm = decoder.norm(layer + "input_layernorm"),
         .mixer = decoder.attention(layer + "self_attn.", attention, {false, false}),
         .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
         .router = decoder.router(moe + "gate.weight", gate),
         .groups = groups(decoder.routed(moe + "experts.", gate, inner, {"w1", "w3", "w2"}))});
  }
  static constexpr KnownKey kTraining[] = {{"router_jitter_noise", Harmless::always}};
  return decoder.finish(kTraining);
}

}  // namespace rg::model
