// Mellum 2: Qwen3-MoE's gate and normed heads; in part of the layers a sliding window, with a
// rotation of its own.
#include <algorithm>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

AttentionSpec mellum_attention(Decoder& decoder, const Heads& heads, double base,
                               std::string_view kind, std::string_view class_object) {
  const Rope rope = read_rope(decoder, {.base = base,
                                        .head_width = heads.head_width,
                                        .layer_type = kind,
                                        .class_object = class_object})
                        .rope;
  return {.heads = heads.heads,
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
}

}  // namespace

Model bind_mellum(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "mellum", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads({.kv_heads = 4, .head_width = 128});
  const AttentionSpec full = mellum_attention(decoder, heads, 1e4, "full_attention",
                                              R"({"rope_type":"default","rope_theta":500000.0})");
  AttentionSpec windowed = mellum_attention(decoder, heads, 1e4, "sliding_attention",
                                            R"({"rope_type":"default","rope_theta":10000.0})");
  const std::vector<bool> sliding =
      decoder.layer_list("layer_types", "sliding_attention", "full_attention")
          .value_or(std::vector<bool>(decoder.layers()));
  windowed.window = decoder.window(1024);
  if (!windowed.window && std::find(sliding.begin(), sliding.end(), true) != sliding.end()) {
    decoder.config().refuse("sliding_window", "null", "a positive integer", "");
  }
  const std::vector<bool> sparse = decoder.layer_list("mlp_layer_types", "sparse", "dense")
                                       .value_or(std::vector<bool>(decoder.layers(), true));
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
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", sliding[n] ? windowed : full,
                                             {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner));
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  // Layers for speculative decoding.
  static constexpr KnownKey kUnread[] = {{"mtp_layer_types", Harmless::always},
                                         {"mtp_mlp_layer_types", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
