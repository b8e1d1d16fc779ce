// DeepSeek-V3.2 and Speciale, GLM-5: DeepSeek-V3's layers with an indexer that chooses index_topk
// keys per query. A sequence of at most so many tokens has no key to leave out, so it is computed
// without the indexer; longer ones are refused.
#include <algorithm>

#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

Model bind_indexed(const formats::Checkpoint& checkpoint, std::string_view family, double epsilon) {
  Decoder decoder(checkpoint, family, NormKind::rms, {.norm_epsilon = epsilon, .tied = false});
  const LatentAttentionSpec attention = read_latent_attention(decoder, LatentRope{.base = 1e4});
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const bool grouped = family == "deepseek_v32";  // GLM-5's class has one group
  const gate::GateSpec gate = read_grouped_gate(
      decoder, {.experts = {"n_routed_experts", "num_experts", "num_local_experts"},
                .class_groups = grouped ? 8u : 1u,
                .class_groups_kept = grouped ? 4u : 1u});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 3);
  const auto keys = static_cast<uint32_t>(decoder.dimension("index_topk").size);
  if (keys < decoder.model().positions) {
    decoder.model().positions = keys;
    decoder.model().positions_source = "index_topk: choosing among more keys is not implemented";
  }
  decoder.expect("hidden_act", "silu");
  decoder.expect("mlp_bias", false);
  decoder.expect("moe_layer_freq", 1);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = bind_latent_attention(decoder, layer + "self_attn.", attention, biases),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    add_feed_forward(decoder, made, sparse[n], gate, widths, deepseek_names(layer));
    decoder.add(std::move(made));
  }
  // What the indexer alone reads.
  static constexpr KnownKey kUnread[] = {
      {"index_head_dim", Harmless::always},
      {"index_n_heads", Harmless::always},
      {"index_share_for_mtp_iteration", Harmless::always},
      {"index_skip_topk_offset", Harmless::always},
      {"index_topk_freq", Harmless::always},
      {"index_topk_pattern", Harmless::always},
      {"indexer_rope_interleave", Harmless::always},
      {"indexer_types", Harmless::always},
      {"layer_types", Harmless::if_all_indexed},
  };
  return decoder.finish(kUnread, "norm", [](std::string_view name) {
    return name.find(".self_attn.indexer.") != name.npos;
  });
}

}  // namespace

Model bind_deepseek_v32(const formats::Checkpoint& checkpoint) {
  return bind_indexed(checkpoint, "deepseek_v32", 1e-6);
}

Model bind_glm_moe_dsa(const formats::Checkpoint& checkpoint) {
  return bind_indexed(checkpoint, "glm_moe_dsa", 1e-5);
}

}  // namespace rg::model
