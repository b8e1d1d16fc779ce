// DeepSeek-V3 and R1, Moonlight, Kimi-K2: latent attention, sigmoid scores with a selection bias,
// groups of experts, shared experts, the first layers dense. Kimi-K2.5's text part is one too, and
// so is Sarvam-105B, with class defaults of its own.
#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {

namespace {

Model bind_v3(Decoder& decoder, const LatentRope& rope, const GroupedGateKeys& keys,
              uint32_t first_dense) {
  const LatentAttentionSpec attention = read_latent_attention(decoder, rope);
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_grouped_gate(decoder, keys);
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, first_dense);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_freq", 1);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = bind_latent_attention(decoder, layer + "self_attn.", attention, biases),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, sparse[n], gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  decoder.expect("q_head_dim", attention.plain_width + attention.rotated_width);
  static constexpr KnownKey kUnread[] = {{"num_mtp_layers", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace

Model bind_deepseek_v3(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "deepseek_v3", NormKind::rms,
                  {.norm_epsilon = 1e-6, .tied = false, .tied_outside = true});
  return bind_v3(decoder, {.base = 1e4, .may_be_halves = true},
                 {.class_groups = 8, .class_groups_kept = 4}, 3);
}

Model bind_sarvam_mla(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "sarvam_mla", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  return bind_v3(decoder, {.base = 1e4, .may_be_halves = true, .deepseek_yarn = true},
                 {.experts = {"n_routed_experts", "num_experts"},
                  .shared_experts = decoder.either("n_shared_experts", "num_shared_experts")},
                 1);
}

}  // namespace rg::model
