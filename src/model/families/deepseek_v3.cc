// DeepSeek-V3 and R1, Moonlight, Kimi-K2: latent attention, sigmoid scores with a selection bias,
// groups of experts, shared experts, the first layers dense.
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {

Model bind_deepseek_v3(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "deepseek_v3", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const LatentAttentionSpec attention = read_latent_attention(decoder, 1e4);
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_grouped_gate(decoder);
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const Dimension shared = {inner.size * gate.shared_experts,
                            "moe_intermediate_size*n_shared_experts"};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 3);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_freq", 1);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = bind_latent_attention(decoder, layer + "self_attn.", attention, biases),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate, mlp + "gate.e_score_correction_bias");
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner),
                           decoder.shared(mlp + "shared_experts.", shared));
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  return decoder.finish(kDeepSeekTrainingKeys);
}

}  // namespace rg::model
