// DeepSeek-V2 and V2-Lite: latent attention, softmax scores used as they are, in the large model
// the experts of the best groups only (a group's score is its best expert's), shared experts.
#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/latent.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

gate::GateSpec read_gate(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const std::string method = config.text("topk_method", "");
  if (method != "greedy" && method != "group_limited_greedy") {
    config.refuse("topk_method", method, "greedy or group_limited_greedy", "");
  }
  const bool limited = method == "group_limited_greedy";
  const std::string from = "config.json: topk_method";
  gate::Stated<uint32_t> groups = {1u, from}, kept = {1u, from};
  if (limited) {
    groups = {config.count("n_group", ""), "config.json: n_group"};
    kept = {config.count("topk_group", ""), "config.json: topk_group"};
  } else {
    config.count_if("n_group", "");
    config.count_if("topk_group", "");
  }
  decoder.expect("scoring_func", "softmax");
  // transformers ignores it; DeepSeek's own code would normalise instead of scaling.
  decoder.expect("norm_topk_prob", false);
  const auto shared = config.count_if("n_shared_experts", "").value_or(0);
  return {.experts = decoder.experts({"n_routed_experts", "num_experts"}),
          .top_k = decoder.count({"num_experts_per_tok"}),
          .logit_bias = {false, kFixed},
          .score = {gate::Score::softmax, kFixed},
          .selection_bias = {false, kFixed},
          .groups = groups,
          .groups_kept = kept,
          .group_score = {groups > 1 ? gate::GroupScore::max : gate::GroupScore::none, from},
          .weigh = {gate::Weigh::scores, kFixed},
          .normalise = {gate::Normalise::no, kFixed},
          .epsilon = {0.0f, kFixed},
          .scaling = decoder.real("routed_scaling_factor", std::nullopt),
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = {shared, "config.json: n_shared_experts"}};
}

}  // namespace

Model bind_deepseek_v2(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "deepseek_v2", NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const LatentAttentionSpec attention = read_latent_attention(decoder, LatentRope{.base = 1e4});
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const gate::GateSpec gate = read_gate(decoder);
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const Dimension shared = {inner.size * gate.shared_experts,
                            "moe_intermediate_size*n_shared_experts"};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 0);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_freq", 1);
  const bool mlp_biases = decoder.switched("mlp_bias", "experts.bias", false);
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = bind_latent_attention(decoder, layer + "self_attn.", attention, biases),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner),
                           decoder.shared(mlp + "shared_experts.", shared, {}, mlp_biases));
    } else {
      made.groups = groups(decoder.shared(mlp, dense, {}, mlp_biases));
    }
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
