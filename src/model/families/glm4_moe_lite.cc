// GLM-4.7-Flash: DeepSeek-V3's layers, with values wider than the keys' plain part.
#include <algorithm>

#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"

namespace rg::model {
namespace {

// transformers reads mlp_layer_types alone, and without it has one dense layer, whatever
// first_k_dense_replace says.
std::vector<bool> read_sparse(Decoder& decoder) {
  std::vector<bool> sparse(decoder.layers(), true);
  sparse[0] = false;
  if (const auto listed = decoder.layer_list("mlp_layer_types", "sparse", "dense")) {
    sparse = *listed;
  }
  const auto first = std::find(sparse.begin(), sparse.end(), true);
  decoder.expect("first_k_dense_replace", first - sparse.begin());
  return sparse;
}

}  // namespace

Model bind_glm4_moe_lite(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "glm4_moe_lite", NormKind::rms,
                  {.norm_epsilon = 1e-5, .tied = false});
  const LatentAttentionSpec attention =
      read_latent_attention(decoder, LatentRope{.base = 1e4, .may_be_halves = true});
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_grouped_gate(decoder);
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = read_sparse(decoder);
  decoder.expect("hidden_act", "silu");
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
