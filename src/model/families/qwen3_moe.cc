// Qwen3-MoE (30B-A3B, 235B-A22B, Coder) and the text part of Qwen3-VL-MoE: softmax over all
// experts, no shared expert; each head of queries and keys is normed before the rotation.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/sparse_layers.h"

namespace rg::model {

namespace {

// Qwen3-VL's hub stores (E, d, 2I) and (E, I, d), transformers 5 the transposed; only the shape
// tells them apart. A config.json alone is taken for the hub's.
ExpertGroup bind_routed(Decoder& decoder, const std::string& prefix, const gate::GateSpec& gate,
                        Dimension inner, bool vision) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width(), both = {2 * inner.size, "2*" + inner.key};
  const std::string fused = prefix + "gate_up_proj";
  const Tensor there = vision ? tensors.peek(fused) : nullptr;
  const bool alone = vision && there == nullptr && tensors.has_or(fused, true);
  if (!alone && (there == nullptr || there->shape.size() != 3 || there->shape[1] == both.size)) {
    if (there != nullptr && width.size == both.size) {
      decoder.config().refuse("moe_intermediate_size", std::to_string(inner.size),
                              "another width than hidden_size/2, or experts stored one by one",
                              "Nothing tells whether the experts are stored transposed.");
    }
    return decoder.routed(prefix, gate, inner);
  }
  const Dimension experts = {gate.experts, "num_experts"};
  const Tensor gate_up = tensors.bind(fused, {experts, width, both});
  const Tensor down = tensors.bind(prefix + "down_proj", {experts, inner, width});
  ExpertGroup group;
  group.role = ExpertRole::routed;
  group.spec = {.inner_width = static_cast<uint32_t>(inner.size), .activation = Activation::silu};
  Expert first;
  first.gate_up =
      part(gate_up, 0, static_cast<uint32_t>(both.size), static_cast<uint32_t>(width.size));
  first.down = part(down, 0, static_cast<uint32_t>(width.size), static_cast<uint32_t>(inner.size));
  first.gate_up.stored = first.down.stored = Stored::in_out;
  group.experts = ExpertList::of_equal_parts(first, gate.experts);
  return group;
}

Model bind_qwen3(const formats::Checkpoint& checkpoint, std::string_view family, bool vision) {
  Decoder decoder(checkpoint, family, NormKind::rms, {.norm_epsilon = 1e-6, .tied = vision});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(decoder, {.base = vision ? 5e5 : 1e4, .head_width = heads.head_width}).rope;
  const bool windowed = decoder.switched("use_sliding_window", "attention.windowed", false);
  if (vision) decoder.expect("use_sliding_window", false);
  const auto window =
      windowed ? decoder.window(4096) : decoder.config().count_if("sliding_window", "");
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = QkNorm::per_head,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = windowed ? window : std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  if (vision) decoder.expect("norm_topk_prob", true);
  const gate::Stated<bool> normalise =
      vision ? gate::Stated<bool>{true, kFixed} : decoder.flag("norm_topk_prob", std::nullopt);
  const gate::GateSpec gate = {
      .experts = decoder.count({"num_experts", "num_local_experts"}),
      .top_k = decoder.count({"num_experts_per_tok"}),
      .logit_bias = {false, kFixed},
      .score = {gate::Score::softmax, kFixed},
      .selection_bias = {false, kFixed},
      .groups = {1u, kFixed},
      .groups_kept = {1u, kFixed},
      .group_score = {gate::GroupScore::none, kFixed},
      .weigh = {gate::Weigh::scores, kFixed},
      .normalise = {normalise ? gate::Normalise::by_sum : gate::Normalise::no, normalise.source},
      .epsilon = {0.0f, kFixed},
      .scaling = {1.0f, kFixed},
      .per_expert_scale = {false, kFixed},
      .ids_from_table = {false, kFixed},
      .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const std::vector<bool> sparse = qwen_sparse_layers(decoder);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(bind_routed(decoder, mlp + "experts.", gate, inner, vision));
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  decoder.expect("shared_expert_intermediate_size", 0);
  decoder.expect("qkv_bias", false);
  decoder.expect("use_qk_norm", true);
  static constexpr KnownKey kUnread[] = {{"max_window_layers", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace

Model bind_qwen3_moe(const formats::Checkpoint& checkpoint) {
  return bind_qwen3(checkpoint, "qwen3_moe", false);
}

Model bind_qwen3_vl_moe(const formats::Checkpoint& checkpoint) {
  return bind_qwen3(checkpoint, "qwen3_vl_moe", true);
}

}  // namespace rg::model
