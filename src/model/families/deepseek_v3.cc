// DeepSeek-V3 and R1, Moonlight, Kimi-K2: latent attention, sigmoid scores with a selection bias,
// groups of experts, shared experts, the first layers dense. Kimi-K2.5's text part is one too.
#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {

Model bind_deepseek_v3(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "deepseek_v3", NormKind::rms,
                  {.norm_epsilon = 1e-6, .tied = false, .tied_outside = true});
  const LatentAttentionSpec attention =
      read_latent_attention(decoder, LatentRope{.base = 1e4, .may_be_halves = true});
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate =
      read_grouped_gate(decoder, {.class_groups = 8, .class_groups_kept = 4});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 3);
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
  return decoder.finish({});
}

}  // namespace rg::model
