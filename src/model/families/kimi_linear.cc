// Kimi-Linear 48B-A3B: three layers of four are Kimi delta attention, the others latent attention
// without positions; DeepSeek-V3's gate and experts under other keys and names.
#include <limits>

#include "base/json.h"
#include "model/decoder.h"
#include "model/delta.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// The released config nests them, layers counted from 1; transformers 5 writes them flat.
struct LinearLayers {
  std::vector<bool> is_linear;
  uint32_t heads, head_width, kernel;
};

std::vector<bool> counted_from_one(ConfigReader& nested, std::string_view key, uint32_t layers) {
  const Json* list = nested.value_if(key);
  std::vector<bool> named(layers);
  const std::string shown = list == nullptr ? "null" : write_json(*list, JsonLayout::compact);
  const std::string expected = "a list of layers from 1 to " + std::to_string(layers);
  if (list == nullptr || !list->is_array()) nested.refuse(key, shown, expected, "");
  for (const Json& entry : *list) {
    if (!entry.is_number_unsigned() || entry < 1u || entry > layers) {
      nested.refuse(key, shown, expected, "");
    }
    named[entry.get<size_t>() - 1] = true;
  }
  return named;
}

LinearLayers read_linear(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  LinearLayers linear;
  if (const Json* object = config.object_if("linear_attn_config")) {
    ConfigReader nested(*object, "linear_attn_config", decoder.model().origins);
    linear.heads = nested.count("num_heads", "delta.heads");
    linear.head_width = nested.count("head_dim", "delta.head_width");
    linear.kernel = nested.count("short_conv_kernel_size", "delta.kernel");
    linear.is_linear = counted_from_one(nested, "kda_layers", decoder.layers());
    std::vector<bool> others = counted_from_one(nested, "full_attn_layers", decoder.layers());
    others.flip();
    if (others != linear.is_linear) {
      nested.refuse("full_attn_layers", "layers that kda_layers names, or not all others",
                    "the layers that kda_layers does not name", "");
    }
    nested.collect_leftovers({}, decoder.leftovers());
    config.count_if("linear_num_heads", "");
    config.count_if("linear_head_dim", "");
    config.count_if("linear_conv_kernel_dim", "");
    decoder.layer_list("layer_types", "linear_attention", "full_attention");
    return linear;
  }
  linear.heads = config.count("linear_num_heads", "delta.heads");
  linear.head_width = config.count("linear_head_dim", "delta.head_width");
  linear.kernel = config.count("linear_conv_kernel_dim", "delta.kernel");
  const auto listed = decoder.layer_list("layer_types", "linear_attention", "full_attention");
  if (!listed) config.refuse("layer_types", "null", "a list of the layers' kinds", "");
  linear.is_linear = *listed;
  return linear;
}

}  // namespace

Model bind_kimi_linear(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "kimi_linear", NormKind::rms,
                  {.norm_epsilon = 1e-5,
                   .tied = false,
                   .positions_key = checkpoint.config().contains("max_position_embeddings")
                                        ? "max_position_embeddings"
                                        : "model_max_length",
                   .never_tied = true});
  const LinearLayers linear = read_linear(decoder);
  const KimiDeltaSpec delta = {.heads = linear.heads,
                               .head_width = linear.head_width,
                               .kernel = linear.kernel,
                               .decay_latent = linear.head_width,
                               .gate_latent = linear.head_width,
                               .decay_bound = std::nullopt,
                               .norm_epsilon = decoder.norm_spec().epsilon};
  const LatentAttentionSpec attention = read_latent_attention(decoder, std::nullopt);
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  decoder.expect("moe_router_activation_func", "sigmoid");
  const gate::GateSpec gate =
      read_grouped_gate(decoder, {.experts = {"num_experts", "num_local_experts"},
                                  .shared_experts = "num_shared_experts",
                                  .top_k = {"num_experts_per_token", "num_experts_per_tok"},
                                  .groups = "num_expert_group",
                                  .normalise = "moe_renormalize"});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 1);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_freq", 1);
  decoder.expect("mla_use_nope", true);
  decoder.expect("use_grouped_topk", true);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mixer = layer + "self_attn.";
    Layer made;
    made.mixer_norm = decoder.norm(layer + "input_layernorm");
    if (linear.is_linear[n]) {
      made.mixer = bind_kimi_delta(decoder, mixer, delta);
    } else {
      made.mixer = bind_latent_attention(decoder, mixer, attention, biases);
    }
    made.feed_forward_norm = decoder.norm(layer + "post_attention_layernorm");
    // The hub's names, and those that transformers has in memory.
    const auto prefix_of = [&](const std::string& tensor) {
      return layer + (decoder.tensors().has(layer + "block_sparse_moe." + tensor)
                          ? "block_sparse_moe."
                          : "mlp.");
    };
    const std::string moe = prefix_of("gate.weight");
    const bool hub = moe.ends_with("block_sparse_moe.");
    const FeedForwardNames names = {.router = moe + "gate.weight",
                                    .selection_bias = moe + "gate.e_score_correction_bias",
                                    .experts = moe + "experts.",
                                    .shared = moe + "shared_experts.",
                                    .dense = prefix_of("gate_proj.weight"),
                                    .mlp = hub ? MlpNames{"w1", "w3", "w2"} : MlpNames{}};
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {{"rope_parameters", Harmless::always},
                                         {"rope_scaling", Harmless::if_null},
                                         {"rope_theta", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
