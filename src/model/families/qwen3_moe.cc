// Qwen3-MoE (30B-A3B, 235B-A22B, Coder): softmax over all experts, no shared expert; each head of
// queries and keys is normed before the rotation.
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/sparse_layers.h"

namespace rg::model {

Model bind_qwen3_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "qwen3_moe", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
  const bool windowed = decoder.switched("use_sliding_window", "attention.windowed", false);
  const auto window = decoder.window("sliding_window");
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .qk_norm = QkNorm::per_head,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .window = windowed ? window : std::nullopt};
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
      .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const std::vector<bool> sparse = qwen_sparse_layers(decoder);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner));
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {{"max_window_layers", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
