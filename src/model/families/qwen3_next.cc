// Qwen3-Next, Qwen3.5 and Qwen3.6 MoE: three layers of four are gated delta nets, the others attend
// with an output gate; softmax over all experts, a shared expert with a sigmoid gate; norms
// multiply by 1 + w. Qwen3-Next packs the delta net's projections key head by key head.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// layer_types, or all layers but each full_attention_interval-th.
std::vector<bool> linear_layers(Decoder& decoder) {
  const uint32_t interval =
      decoder.config().count_or("full_attention_interval", "layers.attention_step", 4);
  if (interval == 0) decoder.config().refuse("full_attention_interval", "0", "at least 1", "");
  if (const auto listed = decoder.layer_list("layer_types", "linear_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = (n + 1) % interval != 0;
  return layers;
}

GatedDeltaSpec read_delta(Decoder& decoder, bool packed) {
  const auto size = [&](std::string_view key) {
    return static_cast<uint32_t>(decoder.dimension(key).size);
  };
  const GatedDeltaSpec spec = {.key_heads = size("linear_num_key_heads"),
                               .value_heads = size("linear_num_value_heads"),
                               .key_width = size("linear_key_head_dim"),
                               .value_width = size("linear_value_head_dim"),
                               .kernel = size("linear_conv_kernel_dim"),
                               .norm_epsilon = decoder.norm_spec().epsilon,
                               .packed = packed};
  if (spec.value_heads % spec.key_heads != 0) {
    decoder.config().refuse("linear_num_value_heads", std::to_string(spec.value_heads),
                            "a multiple of linear_num_key_heads", "");
  }
  return spec;
}

GatedDelta bind_delta(Decoder& decoder, const std::string& prefix, const GatedDeltaSpec& spec) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width();
  const uint64_t keys = uint64_t{spec.key_heads} * spec.key_width;
  const Dimension values = {uint64_t{spec.value_heads} * spec.value_width,
                            "linear_num_value_heads*linear_value_head_dim"};
  const Dimension channels = {2 * keys + values.size, "rows of queries, keys and values"};
  const Dimension heads = {spec.value_heads, "linear_num_value_heads"};
  GatedDelta delta;
  delta.spec = spec;
  if (spec.packed) {
    delta.qkv = tensors.matrix(prefix + "in_proj_qkvz.weight",
                               {channels.size + values.size, channels.key + " and gates"}, width);
    delta.b =
        tensors.matrix(prefix + "in_proj_ba.weight", {2 * heads.size, "2*" + heads.key}, width);
  } else {
    delta.qkv = tensors.matrix(prefix + "in_proj_qkv.weight", channels, width);
    delta.z = tensors.matrix(prefix + "in_proj_z.weight", values, width);
    delta.b = tensors.matrix(prefix + "in_proj_b.weight", heads, width);
    delta.a = tensors.matrix(prefix + "in_proj_a.weight", heads, width);
  }
  delta.convolution =
      tensors.taps(prefix + "conv1d.weight", channels, {spec.kernel, "linear_conv_kernel_dim"});
  delta.decay_log = tensors.vector(prefix + "A_log", heads);
  delta.decay_bias = tensors.vector(prefix + "dt_bias", heads);
  delta.norm = tensors.vector(prefix + "norm.weight", {spec.value_width, "linear_value_head_dim"});
  delta.out = tensors.matrix(prefix + "out_proj.weight", width, values);
  return delta;
}

Model bind(const formats::Checkpoint& checkpoint, std::string_view family, bool next) {
  Decoder decoder(checkpoint, family, NormKind::rms_one_plus,
                  {.norm_epsilon = 1e-6, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(
          decoder,
          {.base = 1e4, .partial = 0.25, .may_be_partial = true, .head_width = heads.head_width})
          .rope;
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
                                   .output_gate = OutputGate::with_query,
                                   .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const GatedDeltaSpec delta = read_delta(decoder, next);
  const std::vector<bool> linear = linear_layers(decoder);
  if (!next) decoder.expect("norm_topk_prob", true);
  const gate::Stated<bool> normalise =
      next ? decoder.flag("norm_topk_prob", std::nullopt) : gate::Stated<bool>{true, kFixed};
  const gate::GateSpec gate = {
      .experts = decoder.experts({"num_experts"}),
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
      .shared_experts = {1u, kFixed}};
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension shared = decoder.dimension("shared_expert_intermediate_size");
  const Dimension dense = next ? decoder.dimension("intermediate_size") : inner;
  const std::vector<bool> sparse =
      next ? qwen_sparse_layers(decoder) : std::vector<bool>(decoder.layers(), true);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    Layer made;
    made.mixer_norm = decoder.norm(layer + "input_layernorm");
    if (linear[n]) {
      made.mixer = bind_delta(decoder, layer + "linear_attn.", delta);
    } else {
      made.mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases});
    }
    made.feed_forward_norm = decoder.norm(layer + "post_attention_layernorm");
    if (sparse[n]) {
      made.router = decoder.router(mlp + "gate.weight", gate);
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner),
                           decoder.shared(mlp + "shared_expert.", shared));
      made.groups.back().token_gate = decoder.tensors().matrix(mlp + "shared_expert_gate.weight",
                                                               {1, "one gate"}, decoder.width());
    } else {
      made.groups = groups(decoder.shared(mlp, dense));
    }
    decoder.add(std::move(made));
  }
  decoder.expect("output_gate_type", "swish");
  static constexpr KnownKey kUnread[] = {
      {"attn_output_gate", Harmless::if_true},       {"intermediate_size", Harmless::always},
      {"mamba_ssm_dtype", Harmless::always},         {"max_window_layers", Harmless::always},
      {"mlp_only_layers", Harmless::if_empty},       {"sliding_window", Harmless::if_null},
      {"use_sliding_window", Harmless::unless_true},
  };
  return decoder.finish(kUnread);
}

}  // namespace

Model bind_qwen3_next(const formats::Checkpoint& checkpoint) {
  return bind(checkpoint, "qwen3_next", true);
}

Model bind_qwen3_5_moe(const formats::Checkpoint& checkpoint) {
  return bind(checkpoint, "qwen3_5_moe", false);
}

}  // namespace rg::model
