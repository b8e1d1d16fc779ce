// GLM-4.5, 4.5-Air, 4.6, and the text part of GLM-4.5V: DeepSeek-V3's gate and experts with
// grouped-query attention, of which the first half of each head is rotated.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

Model bind_glm(const formats::Checkpoint& checkpoint, std::string_view family, bool vision) {
  Decoder decoder(checkpoint, family, NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(
          decoder,
          {.base = 1e4, .partial = 0.5, .may_be_partial = true, .head_width = heads.head_width})
          .rope;
  const bool normed = !vision && decoder.switched("use_qk_norm", "attention.qk_norm", false);
  if (vision) decoder.expect("use_qk_norm", false);
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = normed ? QkNorm::per_head : QkNorm::none,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", vision);
  const gate::GateSpec gate = read_grouped_gate(decoder);
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 1);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, false}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, sparse[n], gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace

Model bind_glm4_moe(const formats::Checkpoint& checkpoint) {
  return bind_glm(checkpoint, "glm4_moe", false);
}

Model bind_glm4v_moe(const formats::Checkpoint& checkpoint) {
  return bind_glm(checkpoint, "glm4v_moe", true);
}

}  // namespace rg::model
