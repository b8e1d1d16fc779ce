// FlexOlmo: softmax over all experts; no norm in front of attention, router or experts, instead one
// of what each half of a layer adds; queries and keys are normed over their full width.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {

Model bind_flex_olmo(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "flex_olmo", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 5e5, .head_width = heads.head_width}).rope;
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
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::Stated<bool> normalise = decoder.flag("norm_topk_prob", std::nullopt);
  const gate::GateSpec gate = {
      .experts = decoder.count({"num_experts", "num_local_experts"}),
      .top_k = decoder.count({"num_experts_per_tok"}),
      .logit_bias = {false, kFixed},
      .score = {gate::Score::softmax, kFixed},
      .selection_bias = {false, kFixed},
      .groups = {1u, kFixed},
      .groups_kept = {1u, kFixed},
      .group_score = {gate::GroupScore::none, kFixed},
      .weigh = {gate::Weigh::scores, kFixed},
      .normalise = {normalise ? gate::Normalise::by_sum : gate::Normalise::no, normalise.source},
      .epsilon = {0.0f, kFixed},
      .scaling = {1.0f, kFixed},
      .per_expert_scale = {false, kFixed},
      .ids_from_table = {false, kFixed},
      .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made;
    made.mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases});
    made.mixer_output_norm = decoder.norm(layer + "post_attention_layernorm");
    made.router = decoder.router(layer + "mlp.gate.weight", gate);
    made.groups = groups(decoder.routed(layer + "mlp.experts.", gate, inner));
    made.feed_forward_output_norm = decoder.norm(layer + "post_feedforward_layernorm");
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
