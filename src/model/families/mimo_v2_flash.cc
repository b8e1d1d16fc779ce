// MiMo-V2-Flash: DeepSeek-V3's gate and experts without a shared one. Layers with a sliding window
// have twice the key and value heads and sinks; values are narrower than keys, and scaled.
#include <cmath>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"

namespace rg::model {
namespace {

constexpr uint32_t kClassWindow = 129;

// layer_types, or the first layer and every sixth without a window.
std::vector<bool> mimo_windows(Decoder& decoder) {
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = n != 0 && (n + 1) % 6 != 0;
  return layers;
}

// sliding_window_size is what a query sees besides itself; it wins over sliding_window.
uint32_t mimo_window(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const auto before = config.count_if("sliding_window_size", "attention.window_before");
  const auto window = decoder.window(before ? *before + 1 : kClassWindow);
  if (!window) config.refuse("sliding_window", "null", "a positive integer", "");
  if (!before) return *window;
  if (*window != *before && *window != *before + 1) {
    config.refuse("sliding_window", std::to_string(*window),
                  std::to_string(*before) + " or one more, as sliding_window_size says", "");
  }
  return *before + 1;
}

AttentionSpec mimo_attention(Decoder& decoder, const Heads& heads, std::string_view kind,
                             std::string_view class_object) {
  // Of the base outside transformers reads nothing; there the hub has that of the full layers. In
  // an entry without a part it takes 0.334, or with a scaling the part outside, or whole heads.
  const Rope rope = read_rope(decoder, {.base = 5e6,
                                        .partial = 1,
                                        .may_be_partial = true,
                                        .head_width = heads.head_width,
                                        .writes_class_base = true,
                                        .layer_type = kind,
                                        .object_states_part = true,
                                        .class_object = class_object})
                        .rope;
  return {.heads = heads.heads,
          .kv_heads = heads.kv_heads,
          .head_width = heads.head_width,
          .value_width = static_cast<uint32_t>(decoder.dimension("v_head_dim").size),
          .qk_norm = QkNorm::none,
          .qk_norm_spec = decoder.norm_spec(),
          .clip_qkv = std::nullopt,
          .rope = rope,
          .scale = inverse_root(heads.head_width),
          .value_norm_epsilon = std::nullopt,
          .output_gate = OutputGate::none,
          .window = std::nullopt};
}

// Keys of the hub's configs that transformers doesn't read: they must say what it computes.
void expect_hub_keys(Decoder& decoder, const AttentionSpec& full, const AttentionSpec& windowed,
                     const std::vector<bool>& sliding, const std::vector<bool>& sparse) {
  const auto numbers = [](const std::vector<bool>& layers) {
    return std::vector<int>(layers.begin(), layers.end());
  };
  decoder.expect("hybrid_layer_pattern", numbers(sliding));
  decoder.expect("moe_layer_freq", numbers(sparse));
  decoder.expect("swa_num_attention_heads", full.heads);
  decoder.expect("swa_num_key_value_heads", windowed.kv_heads);
  decoder.expect("swa_head_dim", full.head_width);
  decoder.expect("swa_v_head_dim", full.value_width);
  decoder.expect("swa_rope_theta", windowed.rope->base);
  decoder.expect("add_swa_attention_sink_bias", true);
  decoder.expect("add_full_attention_sink_bias", false);
  const auto epsilon = decoder.config().real_if("layernorm_epsilon", "");
  if (epsilon && static_cast<float>(*epsilon) != decoder.norm_spec().epsilon) {
    decoder.config().refuse("layernorm_epsilon", std::to_string(*epsilon),
                            "rms_norm_eps's value, which is the one that counts", "");
  }
}

}  // namespace

Model bind_mimo_v2_flash(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "mimo_v2_flash", NormKind::rms,
                  {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads({.kv_heads = 4, .head_width = 192});
  AttentionSpec full = mimo_attention(
      decoder, heads, "full_attention",
      R"({"rope_type":"default","rope_theta":5000000.0,"partial_rotary_factor":0.334})");
  AttentionSpec windowed = mimo_attention(
      decoder, heads, "sliding_attention",
      R"({"rope_type":"default","rope_theta":10000.0,"partial_rotary_factor":0.334})");
  windowed.kv_heads = 2 * heads.kv_heads;
  if (heads.heads % windowed.kv_heads != 0) {
    decoder.config().refuse("num_key_value_heads", std::to_string(heads.kv_heads),
                            "half of a divisor of num_attention_heads", "");
  }
  windowed.window = mimo_window(decoder);
  if (!decoder.config().has("attention_value_scale")) {
    full.value_scale = windowed.value_scale = 0.707f;
  } else if (decoder.config().real_if("attention_value_scale", "attention.value_scale")) {
    full.value_scale = windowed.value_scale = decoder.real("attention_value_scale", std::nullopt);
  }
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const std::vector<bool> sliding = mimo_windows(decoder);
  std::vector<bool> sparse(decoder.layers(), true);
  sparse[0] = false;
  if (const auto listed = decoder.layer_list("mlp_layer_types", "sparse", "dense")) {
    sparse = *listed;
  }
  gate::GateSpec gate = read_grouped_gate(decoder, {.null_scaling = true});
  decoder.expect("n_shared_experts", 0);
  gate.shared_experts = {0u, kFixed};
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  decoder.expect("hidden_act", "silu");
  expect_hub_keys(decoder, full, windowed, sliding, sparse);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), attention = layer + "self_attn.";
    Attention mixer = decoder.attention(attention, sliding[n] ? windowed : full, {biases, false});
    if (sliding[n]) {
      // The hub's name, and that which transformers has in memory.
      mixer.sinks = decoder.tensors().vector(
          decoder.first_of({attention + "attention_sink_bias", attention + "sinks"}),
          {heads.heads, "num_attention_heads"});
    }
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = std::move(mixer),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, sparse[n], gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
