// Qwen2-MoE (Qwen1.5-MoE-A2.7B, Qwen2-57B-A14B): softmax over all experts, and one wide shared
// expert whose output a sigmoid gate of its own multiplies; biases on queries, keys and values.
#include <algorithm>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// layer_types, or transformers' own rule: of the first max_window_layers layers every second one,
// beginning with the first.
std::vector<bool> early_windows(Decoder& decoder, bool windowed) {
  const uint32_t last = decoder.config().count_or("max_window_layers", "", 28);
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = windowed && n % 2 == 0 && n < last;
  return layers;
}

std::optional<uint32_t> read_window(Decoder& decoder, bool windowed,
                                    const std::vector<bool>& sliding) {
  const auto window =
      windowed ? decoder.window(4096) : decoder.config().count_if("sliding_window", "");
  const bool any = std::find(sliding.begin(), sliding.end(), true) != sliding.end();
  if (any && (!windowed || !window)) {
    decoder.config().refuse("layer_types", "sliding_attention",
                            "full_attention, without use_sliding_window and sliding_window", "");
  }
  return window;
}

}  // namespace

Model bind_qwen2_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "qwen2_moe", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
  AttentionSpec attention = {.heads = heads.heads,
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
                             .window = std::nullopt};
  const bool windowed = decoder.switched("use_sliding_window", "attention.windowed", false);
  const std::vector<bool> sliding = early_windows(decoder, windowed);
  const auto window = read_window(decoder, windowed, sliding);
  const bool biases = decoder.switched("qkv_bias", "attention.qkv_bias", true);
  const gate::Stated<bool> normalise = decoder.flag("norm_topk_prob", std::nullopt);
  const gate::GateSpec gate = {
      .experts = decoder.count({"num_experts"}),
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
      .shared_experts = {1u, kFixed}};
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension shared = decoder.dimension("shared_expert_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const std::vector<bool> sparse = qwen_sparse_layers(decoder);
  decoder.expect("hidden_act", "silu");
  decoder.expect("attention_bias", false);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    attention.window = sliding[n] ? window : std::nullopt;
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, false}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner),
                           decoder.shared(mlp + "shared_expert.", shared));
      made.groups.back().token_gate = decoder.tensors().matrix(mlp + "shared_expert_gate.weight",
                                                               {1, "one gate"}, decoder.width());
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
