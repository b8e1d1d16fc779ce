// Solar Open: GLM-4.5's layers, all of them with a gate, all dimensions rotated.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {

Model bind_solar_open(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "solar_open", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
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
                                   .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_grouped_gate(decoder);
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const FeedForwardWidths widths = {.routed = inner, .dense = inner};
  decoder.expect("hidden_act", "silu");
  decoder.expect("first_k_dense_replace", 0);
  decoder.expect("use_qk_norm", false);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, false}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, true, gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  // The width of dense layers, of which there are none.
  static constexpr KnownKey kUnread[] = {{"intermediate_size", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
