// LFM2-8B-A1B and LFM2.5: short convolutions in most layers, attention with normed heads in the
// others; sigmoid scores with an optional selection bias; the first layers dense.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {
namespace {

ShortConv bind_convolution(Decoder& decoder, const std::string& prefix, uint32_t kernel,
                           bool biases) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width(), triple = {3 * width.size, "3*" + width.key};
  ShortConv conv;
  conv.spec = {.kernel = kernel};
  conv.in = tensors.matrix(prefix + "in_proj.weight", triple, width);
  conv.convolution = tensors.taps(prefix + "conv.weight", width, {kernel, "conv_L_cache"});
  conv.out = tensors.matrix(prefix + "out_proj.weight", width, width);
  if (biases) {
    conv.in_bias = tensors.vector(prefix + "in_proj.bias", triple);
    conv.convolution_bias = tensors.vector(prefix + "conv.bias", width);
    conv.out_bias = tensors.vector(prefix + "out_proj.bias", width);
  }
  return conv;
}

gate::GateSpec read_gate(Decoder& decoder) {
  const gate::Stated<bool> normalise = decoder.flag("norm_topk_prob", std::nullopt);
  return {.experts = decoder.experts({"num_experts"}),
          .top_k = decoder.count({"num_experts_per_tok"}),
          .logit_bias = {false, kFixed},
          .score = {gate::Score::sigmoid, kFixed},
          .selection_bias = decoder.flag("use_expert_bias", std::nullopt),
          .groups = {1u, kFixed},
          .groups_kept = {1u, kFixed},
          .group_score = {gate::GroupScore::none, kFixed},
          .weigh = {gate::Weigh::scores, kFixed},
          .normalise = {normalise ? gate::Normalise::by_sum_plus_epsilon : gate::Normalise::no,
                        normalise.source},
          .epsilon = {normalise ? 1e-6f : 0.0f, kFixed},
          .scaling = decoder.real("routed_scaling_factor", std::nullopt),
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = {0u, kFixed}};
}

}  // namespace

Model bind_lfm2_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "lfm2_moe", NormKind::rms,
                  {.norm_epsilon = 1e-5,
                   .tied = true,
                   .norm_epsilon_key = "norm_eps",
                   .tied_key = "tie_embedding"});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e6, .head_width = heads.head_width}).rope;
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
                                   .window = std::nullopt};
  const auto convolved = decoder.layer_list("layer_types", "conv", "full_attention");
  if (!convolved) decoder.config().refuse("layer_types", "null", "a list of the layers' kinds", "");
  const auto kernel = static_cast<uint32_t>(decoder.dimension("conv_L_cache").size);
  const bool biases = decoder.switched("conv_bias", "convolution.bias", false);
  const gate::GateSpec gate = read_gate(decoder);
  const uint32_t dense_layers = decoder.config().count_or("num_dense_layers", "layers.dense", 2);
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  decoder.expect("block_auto_adjust_ff_dim", false);
  const MlpNames names = {"w1", "w3", "w2"};
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "feed_forward.";
    Layer made;
    made.mixer_norm = decoder.norm(layer + "operator_norm");
    if ((*convolved)[n]) {
      made.mixer = bind_convolution(decoder, layer + "conv.", kernel, biases);
    } else {
      made.mixer = decoder.attention(
          layer + "self_attn.", attention, {false, false},
          {.o = "out_proj", .q_norm = "q_layernorm.weight", .k_norm = "k_layernorm.weight"});
    }
    made.feed_forward_norm = decoder.norm(layer + "ffn_norm");
    if (n >= dense_layers) {
      made.router = decoder.router(mlp + "gate.weight", gate, mlp + "expert_bias");
      made.groups = groups(decoder.routed(mlp + "experts.", gate, inner, names));
    } else {
      made.groups = groups(decoder.shared(mlp, dense, names));
    }
    decoder.add(std::move(made));
  }
  // Of dense LFM2 models, whose widths it adjusts.
  static constexpr KnownKey kUnread[] = {{"block_ffn_dim_multiplier", Harmless::always},
                                         {"block_multiple_of", Harmless::always}};
  return decoder.finish(kUnread, "embedding_norm");
}

}  // namespace rg::model
