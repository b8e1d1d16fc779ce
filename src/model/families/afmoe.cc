// Trinity (AfMoE): sigmoid scores with a selection bias, weights normalised and scaled; a norm in
// front of and behind each half of a layer, heads gated by a projection of their own; layers with a
// sliding window rotate their heads, layers without one don't.
#include <cmath>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"

namespace rg::model {
namespace {

// layer_types, or all layers but each global_attn_every_n_layers-th.
std::vector<bool> trinity_windows(Decoder& decoder) {
  const uint32_t period =
      decoder.config().count_or("global_attn_every_n_layers", "layers.full_every", 4);
  if (period == 0) decoder.config().refuse("global_attn_every_n_layers", "0", "at least 1", "");
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = (n + 1) % period != 0;
  return layers;
}

gate::GateSpec trinity_gate(Decoder& decoder) {
  decoder.expect("score_func", "sigmoid");
  decoder.expect("route_norm", true);
  for (const char* key : {"n_group", "topk_group", "num_expert_groups", "num_limited_groups"}) {
    decoder.expect(key, 1);
  }
  return {.experts = decoder.count({"num_experts", "num_local_experts"}),
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
          .scaling = decoder.real("route_scale", std::nullopt),
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = decoder.count({"num_shared_experts"})};
}

}  // namespace

Model bind_afmoe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "afmoe", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads({.kv_heads = std::nullopt, .head_width = 128});
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
  AttentionSpec spec = {.heads = heads.heads,
                        .kv_heads = heads.kv_heads,
                        .head_width = heads.head_width,
                        .value_width = heads.head_width,
                        .qk_norm = QkNorm::per_head,
                        .qk_norm_spec = decoder.norm_spec(),
                        .clip_qkv = std::nullopt,
                        .rope = rope,
                        .scale = inverse_root(heads.head_width),
                        .value_norm_epsilon = std::nullopt,
                        .output_gate = OutputGate::projected,
                        .window = std::nullopt};
  const Dimension gated = {uint64_t{heads.heads} * heads.head_width,
                           "num_attention_heads*head_dim"};
  const auto window = decoder.window(1024);
  if (!window) decoder.config().refuse("sliding_window", "null", "a positive integer", "");
  const std::vector<bool> sliding = trinity_windows(decoder);
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  if (decoder.switched("mup_enabled", "embedding.scaled", false)) {
    decoder.model().embedding_multiplier =
        static_cast<float>(std::sqrt(double{1} * decoder.model().width));
  }
  const gate::GateSpec gate = trinity_gate(decoder);
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const uint32_t dense = decoder.config().count_or("num_dense_layers", "layers.first_dense", 1);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    const std::string attention = layer + "self_attn.";
    spec.window = sliding[n] ? window : std::nullopt;
    spec.rope = sliding[n] ? std::optional(rope) : std::nullopt;
    Attention mixer = decoder.attention(attention, spec, {biases, biases});
    mixer.gate = decoder.tensors().matrix(attention + "gate_proj.weight", gated, decoder.width());
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = std::move(mixer),
                  .mixer_output_norm = decoder.norm(layer + "post_attention_layernorm"),
                  .feed_forward_norm = decoder.norm(layer + "pre_mlp_layernorm")};
    add_feed_forward(decoder, made, n >= dense, gate, widths,
                     {.router = mlp + "router.gate.weight",
                      .selection_bias = mlp + "expert_bias",
                      .experts = mlp + "experts.",
                      .shared = mlp + "shared_experts.",
                      .dense = mlp});
    made.feed_forward_output_norm = decoder.norm(layer + "post_mlp_layernorm");
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {{"load_balance_coeff", Harmless::always},
                                         {"use_grouped_mm", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
