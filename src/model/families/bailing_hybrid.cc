// Ling 3 and Ring 3: five layers of six are Kimi delta attention with a bounded decay, the others
// latent attention with a gate per head; DeepSeek-V3's gate and experts.
#include <cmath>

#include "base/json.h"
#include "model/decoder.h"
#include "model/delta.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

std::vector<bool> linear_layers(Decoder& decoder) {
  const uint32_t group = decoder.config().count_or("layer_group_size", "layers.group", 6);
  if (const auto listed = decoder.layer_list("layer_types", "linear_attention", "full_attention")) {
    return *listed;
  }
  if (group == 0) decoder.config().refuse("layer_group_size", "0", "at least 1", "");
  std::vector<bool> linear(decoder.layers());
  for (uint32_t n = 0; n < linear.size(); ++n) linear[n] = (n + 1) % group != 0;
  return linear;
}

// head_dim is written as the rotated width; what the delta layers use is linear_head_dim.
KimiDeltaSpec read_delta(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const auto width = config.count_if("linear_head_dim", "delta.head_width");
  const auto heads = config.count_if("linear_num_heads", "delta.heads");
  const auto kernel = config.count_if("linear_conv_kernel_dim", "delta.kernel");
  const uint32_t stated_kernel = config.count_or("short_conv_kernel_size", "delta.kernel", 4);
  if (kernel && *kernel != stated_kernel) {
    config.refuse("linear_conv_kernel_dim", std::to_string(*kernel),
                  std::to_string(stated_kernel) + ", as short_conv_kernel_size says", "");
  }
  const auto bound = static_cast<float>(config.real_or("kda_lower_bound", "delta.bound", -5));
  if (!(bound < 0) || !std::isfinite(bound)) {
    config.refuse("kda_lower_bound", std::to_string(bound), "a number below 0", "");
  }
  const bool bounded = config.flag_or("kda_safe_gate", "delta.bounded", true);
  return {.heads = heads ? *heads : config.count("num_attention_heads", ""),
          .head_width = width ? *width : config.count_or("head_dim", "delta.head_width", 128),
          .kernel = stated_kernel,
          .decay_latent = 0,
          .gate_latent = 0,
          .decay_bound = bounded ? std::optional(bound) : std::nullopt,
          .norm_epsilon = decoder.norm_spec().epsilon};
}

}  // namespace

Model bind_bailing_hybrid(const formats::Checkpoint& checkpoint) {
  const bool hub = checkpoint.config().contains("max_position_embeddings");
  Decoder decoder(checkpoint, "bailing_hybrid", NormKind::rms,
                  {.norm_epsilon = 1e-6,
                   .tied = false,
                   .positions_key = hub ? "max_position_embeddings" : "model_max_length",
                   .embedding = "word_embeddings"});
  const std::vector<bool> linear = linear_layers(decoder);
  const KimiDeltaSpec delta = read_delta(decoder);
  LatentAttentionSpec attention =
      read_latent_attention(decoder, LatentRope{.base = 6000000, .writes_class_base = true});
  attention.head_gate = true;
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  decoder.expect("score_function", "sigmoid");
  decoder.expect("moe_router_enable_expert_bias", true);
  const gate::GateSpec gate = read_grouped_gate(
      decoder,
      {.experts = {"num_experts", "num_local_experts"},
       .shared_experts =
           decoder.config().has("n_shared_experts") ? "n_shared_experts" : "num_shared_experts",
       .top_k = {"num_experts_per_token", "num_experts_per_tok"},
       .groups = decoder.config().has("n_group") ? "n_group" : "num_expert_group",
       .class_groups = 8,
       .class_groups_kept = 4,
       .normalise = decoder.config().has("norm_topk_prob") ? "norm_topk_prob" : "moe_renormalize"});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 2);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    const bool named_attention = decoder.tensors().has(layer + "attention.dense.weight");
    const std::string mixer = layer + (named_attention ? "attention." : "self_attn.");
    const std::string output = named_attention ? "dense" : "o_proj";
    Layer made;
    made.mixer_norm = decoder.norm(layer + "input_layernorm");
    if (linear[n]) {
      made.mixer = bind_kimi_delta(decoder, mixer, delta, output);
    } else {
      made.mixer = bind_latent_attention(decoder, mixer, attention, biases, output);
    }
    made.feed_forward_norm = decoder.norm(layer + "post_attention_layernorm");
    FeedForwardNames names = deepseek_names(layer);
    if (sparse[n]) {
      names.selection_bias =
          decoder.first_of({layer + "mlp.gate.expert_bias", names.selection_bias});
    }
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {{"num_nextn_predict_layers", Harmless::always},
                                         {"num_mtp_layers", Harmless::always},
                                         {"mtp_loss_scaling_factor", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
