// Phi-3.5-MoE: two experts, each weighed within the logits near its own (sparsemixer); LayerNorm
// with biases, RoPE with a factor per frequency, biases everywhere.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {

Model bind_phimoe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "phimoe", NormKind::layer, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(decoder, {.base = 1e6, .head_width = heads.head_width, .short_factors_only = true})
          .rope;
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
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const bool head_bias = decoder.switched("lm_head_bias", "unembedding.bias", false);
  // The reference selects two, whatever this key says.
  decoder.expect("num_experts_per_tok", 2);
  const gate::GateSpec gate = {.experts = decoder.experts({"num_local_experts"}),
                               .top_k = {2u, kFixed},
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::logits, kFixed},
                               .selection_bias = {false, kFixed},
                               .groups = {1u, kFixed},
                               .groups_kept = {1u, kFixed},
                               .group_score = {gate::GroupScore::none, kFixed},
                               .weigh = {gate::Weigh::sparsemixer, kFixed},
                               .normalise = {gate::Normalise::no, kFixed},
                               .epsilon = decoder.real("router_jitter_noise", std::nullopt),
                               .scaling = {1.0f, kFixed},
                               .per_expert_scale = {false, kFixed},
                               .ids_from_table = {false, kFixed},
                               .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    // The hub's names, and those that transformers 5 has in memory.
    const bool hub = !decoder.tensors().has(layer + "mlp.router.weight");
    const std::string moe = layer + (hub ? "block_sparse_moe." : "mlp.");
    decoder.add(
        {.mixer_norm = decoder.norm(layer + "input_layernorm"),
         .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
         .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
         .router =
             decoder.router(decoder.first_of({moe + "gate.weight", moe + "router.weight"}), gate),
         .groups = groups(decoder.routed(moe + "experts.", gate, inner, {"w1", "w3", "w2"}))});
  }
  if (head_bias) decoder.bind_head_bias();
  static constexpr KnownKey kTraining[] = {{"input_jitter_noise", Harmless::always}};
  return decoder.finish(kTraining);
}

}  // namespace rg::model
