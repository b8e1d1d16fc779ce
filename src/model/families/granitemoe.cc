// Granite 3 MoE, without and with a shared expert: softmax over the selected logits; multipliers of
// the embedding, of every branch, of the scores and of the final logits.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

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

Model bind_granite(const formats::Checkpoint& checkpoint, std::string_view family) {
  Decoder decoder(checkpoint, family, NormKind::rms, {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
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
  if (family == "granitemoeshared") {
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
      .shared_experts = family == "granitemoe"
                            ? gate::Stated<uint32_t>{0u, kFixed}
                            : gate::Stated<uint32_t>{shared == 0 ? 0u : 1u,
                                                     "config.json: shared_intermediate_size"}};
  const Dimension inner = decoder.dimension("intermediate_size");
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), moe = layer + "block_sparse_moe.";
    const std::string router =
        decoder.first_of({moe + "router.layer.weight", moe + "router.weight"});
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
                  .router = decoder.router(router, gate),
                  .groups = groups(bind_routed(decoder, moe, gate, inner)),
                  .residual_multiplier = multiplier};
    if (shared != 0) {
      made.groups.push_back(
          bind_shared(decoder, layer + "shared_mlp.", {shared, "shared_intermediate_size"}));
    }
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace

Model bind_granitemoe(const formats::Checkpoint& checkpoint) {
  return bind_granite(checkpoint, "granitemoe");
}

Model bind_granitemoeshared(const formats::Checkpoint& checkpoint) {
  return bind_granite(checkpoint, "granitemoeshared");
}

}  // namespace rg::model
