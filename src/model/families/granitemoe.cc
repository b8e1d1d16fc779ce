// Granite 3 MoE, without and with a shared expert, and Granite 4, where most layers are Mamba-2:
// softmax over the selected logits; multipliers of the embedding, of every branch, of the scores
// and of the final logits.
#include <limits>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/mamba2.h"

namespace rg::model {
namespace {

// One tensor for all experts: the hub's names, and those that transformers 5 has in memory.
ExpertGroup bind_routed(Decoder& decoder, const std::string& moe, const gate::GateSpec& gate,
                        Dimension inner) {
  if (decoder.tensors().has(moe + "experts.gate_up_proj")) {
    return decoder.routed(moe + "experts.", gate, inner);
  }
  const Dimension experts = {gate.experts, "num_local_experts"};
  const Dimension both = {2 * inner.size, "2*" + inner.key};
  return decoder.routed_from(
      decoder.tensors().bind(moe + "input_linear.weight", {experts, both, decoder.width()}),
      decoder.tensors().bind(moe + "output_linear.weight", {experts, decoder.width(), inner}),
      inner);
}

ExpertGroup bind_shared(Decoder& decoder, const std::string& mlp, Dimension inner) {
  const auto rows = static_cast<uint32_t>(inner.size);
  const auto width = static_cast<uint32_t>(decoder.width().size);
  const Tensor input = decoder.tensors().bind(
      mlp + "input_linear.weight", {{2 * inner.size, "2*" + inner.key}, decoder.width()});
  Expert expert;
  expert.gate = part(input, 0, rows, width);
  expert.up = part(input, 1, rows, width);
  expert.down = decoder.tensors().matrix(mlp + "output_linear.weight", decoder.width(), inner);
  ExpertGroup group;
  group.role = ExpertRole::shared;
  group.spec = {.inner_width = rows, .activation = Activation::silu};
  group.experts.push_back(std::move(expert));
  return group;
}

// Granite 4's Mamba-2 layers; none of the others.
struct MambaLayers {
  std::vector<bool> is_mamba;
  Mamba2Spec spec = {};
  Mamba2Biases biases = {};
};

MambaLayers read_mamba(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const auto size = [&](std::string_view key) {
    return static_cast<uint32_t>(decoder.dimension(key).size);
  };
  MambaLayers layers;
  // transformers 4 and 5 spell the kinds differently.
  const Json* kinds = config.value_if("layer_types");
  const bool old = kinds != nullptr && kinds->is_array() && !kinds->empty() &&
                   ((*kinds)[0] == "mamba" || (*kinds)[0] == "attention");
  const auto listed = old ? decoder.layer_list("layer_types", "mamba", "attention")
                          : decoder.layer_list("layer_types", "linear_attention", "full_attention");
  if (!listed) config.refuse("layer_types", "null", "a list of the layers' kinds", "");
  layers.is_mamba = *listed;
  const uint32_t groups = size("mamba_n_groups");
  layers.spec = {.heads = size("mamba_n_heads"),
                 .head_width = size("mamba_d_head"),
                 .groups = groups,
                 .state_width = size("mamba_d_state"),
                 .kernel = size("mamba_d_conv"),
                 .normed_groups = groups,
                 .norm_epsilon = decoder.norm_spec().epsilon,
                 .least_step = 0,
                 .largest_step = std::numeric_limits<float>::infinity()};
  limit_time_steps(decoder, layers.spec);
  if (layers.spec.heads % groups != 0) {
    config.refuse("mamba_n_groups", std::to_string(groups), "a divisor of mamba_n_heads", "");
  }
  decoder.expect("mamba_expand",
                 uint64_t{layers.spec.heads} * layers.spec.head_width / decoder.model().width);
  layers.biases = {
      .convolution = decoder.switched("mamba_conv_bias", "mamba.convolution_bias", true),
      .projections = decoder.switched("mamba_proj_bias", "mamba.projection_bias", false)};
  return layers;
}

// Granite 4 says whether its attention rotates at all.
std::optional<Rope> read_positions(Decoder& decoder, uint32_t head_width, bool hybrid) {
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = head_width}).rope;
  if (!hybrid) return rope;
  const Json* stated = decoder.config().value_if("position_embedding_type");
  if (stated == nullptr) return std::nullopt;
  const std::string kind = decoder.config().text("position_embedding_type", "attention.positions");
  if (kind != "rope" && kind != "nope") {
    decoder.config().refuse("position_embedding_type", kind, "rope or nope", "");
  }
  return kind == "rope" ? std::optional(rope) : std::nullopt;
}

Model bind_granite(const formats::Checkpoint& checkpoint, std::string_view family) {
  Decoder decoder(checkpoint, family, NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const bool hybrid = family == "granitemoehybrid";
  const std::optional<Rope> rope = read_positions(decoder, heads.head_width, hybrid);
  AttentionSpec attention = {.heads = heads.heads,
                             .kv_heads = heads.kv_heads,
                             .head_width = heads.head_width,
                             .value_width = heads.head_width,
                             .qk_norm = QkNorm::none,
                             .qk_norm_spec = decoder.norm_spec(),
                             .clip_qkv = std::nullopt,
                             .rope = rope,
                             .scale = decoder.real("attention_multiplier", 1.0f),
                             .value_norm_epsilon = std::nullopt,
                             .output_gate = OutputGate::none,
                             .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const float multiplier = decoder.real("residual_multiplier", 1.0f);
  decoder.model().embedding_multiplier = decoder.real("embedding_multiplier", 1.0f);
  decoder.model().logit_divisor = decoder.real("logits_scaling", 1.0f);
  uint32_t shared = 0;
  if (family != "granitemoe") {
    shared = decoder.config().count_or("shared_intermediate_size", "shared_width", 0);
  }
  const gate::GateSpec gate = {
      .experts = decoder.count({"num_local_experts"}),
      .top_k = decoder.count({"num_experts_per_tok"}),
      .logit_bias = {false, kFixed},
      .score = {gate::Score::logits, kFixed},
      .selection_bias = {false, kFixed},
      .groups = {1u, kFixed},
      .groups_kept = {1u, kFixed},
      .group_score = {gate::GroupScore::none, kFixed},
      .weigh = {gate::Weigh::selected_softmax, kFixed},
      .normalise = {gate::Normalise::no, kFixed},
      .epsilon = {0.0f, kFixed},
      .scaling = {1.0f, kFixed},
      .per_expert_scale = {false, kFixed},
      .ids_from_table = {false, kFixed},
      .shared_experts = family == "granitemoe"
                            ? gate::Stated<uint32_t>{0u, kFixed}
                            : gate::Stated<uint32_t>{shared == 0 ? 0u : 1u,
                                                     "config.json: shared_intermediate_size"}};
  const MambaLayers mamba = hybrid ? read_mamba(decoder) : MambaLayers{};
  const Dimension inner = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), moe = layer + "block_sparse_moe.";
    const std::string router =
        decoder.first_of({moe + "router.layer.weight", moe + "router.weight"});
    Layer made;
    made.mixer_norm = decoder.norm(layer + "input_layernorm");
    if (hybrid && mamba.is_mamba[n]) {
      made.mixer = bind_mamba2(decoder, layer + "mamba.", mamba.spec, mamba.biases);
    } else {
      made.mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases});
    }
    made.feed_forward_norm = decoder.norm(layer + "post_attention_layernorm");
    made.router = decoder.router(router, gate);
    made.groups = groups(bind_routed(decoder, moe, gate, inner));
    made.residual_multiplier = multiplier;
    if (shared != 0) {
      made.groups.push_back(
          bind_shared(decoder, layer + "shared_mlp.", {shared, "shared_intermediate_size"}));
    }
    decoder.add(std::move(made));
  }
  decoder.expect("normalization_function", "rmsnorm");
  decoder.expect("mlp_bias", false);
  if (!hybrid) decoder.expect("position_embedding_type", "rope");
  // How the recurrence is cut for a GPU.
  static constexpr KnownKey kUnread[] = {{"mamba_chunk_size", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace

Model bind_granitemoehybrid(const formats::Checkpoint& checkpoint) {
  return bind_granite(checkpoint, "granitemoehybrid");
}

Model bind_granitemoe(const formats::Checkpoint& checkpoint) {
  return bind_granite(checkpoint, "granitemoe");
}

Model bind_granitemoeshared(const formats::Checkpoint& checkpoint) {
  return bind_granite(checkpoint, "granitemoeshared");
}

}  // namespace rg::model
