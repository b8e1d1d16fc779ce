// dots.llm1: DeepSeek-V3's gate and experts, grouped-query attention with normed heads, in part of
// the layers a sliding window.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// layer_types, or transformers' own rule: the layers from max_window_layers on.
std::vector<bool> late_windows(Decoder& decoder, bool window) {
  const uint32_t first = decoder.config().count_or("max_window_layers", "", 62);
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = window && n >= first;
  return layers;
}

}  // namespace

Model bind_dots1(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "dots1", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
  AttentionSpec attention = {.heads = heads.heads,
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
  const auto window = decoder.window(4096);
  const std::vector<bool> sliding = late_windows(decoder, window.has_value());
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_grouped_gate(decoder, {.scoring = "noaux_tc"});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 0);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_freq", 1);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    attention.window = sliding[n] ? window : std::nullopt;
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, sparse[n], gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
