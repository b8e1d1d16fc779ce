// GPT-OSS 20B and 120B: the gate ranks logits with a bias and weighs by a softmax over the
// selected; attention has sinks and, in every second layer, a window; experts have biases and a
// clamped activation. Experts are stored as MXFP4 blocks or as transposed matrices.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "tensor/encoding.h"

namespace rg::model {
namespace {

// Rows of gate and up alternate in the blocks, columns in the transposed matrices.
class Experts {
 public:
  Experts(Decoder& decoder, const std::string& prefix, Dimension experts, Dimension inner)
      : tensors_(decoder.tensors()),
        blocks_(tensors_.has(prefix + "gate_up_proj_blocks")),
        width_(static_cast<uint32_t>(decoder.width().size)),
        inner_(static_cast<uint32_t>(inner.size)) {
    const Dimension width = decoder.width(), both = {2 * inner.size, "2*" + inner.key};
    gate_up_bias_ = tensors_.bind(prefix + "gate_up_proj_bias", {experts, both});
    down_bias_ = tensors_.bind(prefix + "down_proj_bias", {experts, width});
    if (!blocks_) {
      gate_up_ = tensors_.bind(prefix + "gate_up_proj", {experts, width, both});
      down_ = tensors_.bind(prefix + "down_proj", {experts, inner, width});
      return;
    }
    for (const Dimension& packed : {width, inner}) {
      if (packed.size % kMxBlockValues == 0) continue;
      decoder.config().refuse(packed.key, std::to_string(packed.size),
                              "a multiple of 32, the values of an MXFP4 block", "");
    }
    const Dimension bytes = {kMxBlockBytes, "bytes of a block"};
    const Dimension across = {width.size / kMxBlockValues, width.key + "/32"};
    const Dimension inner_across = {inner.size / kMxBlockValues, inner.key + "/32"};
    const auto bind = [&](const std::string& name, std::vector<Dimension> shape) {
      return tensors_.bind_as(DType::u8, prefix + name, shape);
    };
    gate_up_ = bind("gate_up_proj_blocks", {experts, both, across, bytes});
    gate_up_scales_ = bind("gate_up_proj_scales", {experts, both, across});
    down_ = bind("down_proj_blocks", {experts, width, inner_across, bytes});
    down_scales_ = bind("down_proj_scales", {experts, width, inner_across});
  }

  Expert first() const {
    Expert expert;
    expert.gate_up = matrix(gate_up_, gate_up_scales_, 2 * inner_, width_);
    expert.gate_up.stored = blocks_ ? Stored::out_in_pairs : Stored::in_out_pairs;
    expert.down = matrix(down_, down_scales_, width_, inner_);
    expert.down.stored = blocks_ ? Stored::out_in : Stored::in_out;
    expert.gate_up_bias = part(gate_up_bias_, 0, 2 * inner_, 1);
    expert.gate_up_bias.stored = Stored::out_in_pairs;
    expert.down_bias = part(down_bias_, 0, width_, 1);
    return expert;
  }

 private:
  Weight matrix(Tensor values, Tensor scales, uint32_t rows, uint32_t columns) const {
    Weight weight = part(values, 0, rows, columns);
    if (!blocks_) return weight;
    weight.encoding = Encoding::mxfp4;
    weight.scales = {.tensor = scales, .block_rows = 1, .block_columns = kMxBlockValues};
    return weight;
  }

  TensorBinder& tensors_;
  bool blocks_;
  uint32_t width_, inner_;
  Tensor gate_up_, gate_up_scales_ = nullptr, down_, down_scales_ = nullptr;
  Tensor gate_up_bias_, down_bias_;
};

// Without an object in the config.
constexpr std::string_view kClassRope =
    R"({"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0,)"
    R"( "truncate": false, "original_max_position_embeddings": 4096})";

std::vector<bool> alternating_windows(Decoder& decoder) {
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = n % 2 == 0;
  return layers;
}

}  // namespace

Model bind_gpt_oss(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "gpt_oss", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(decoder,
                {.base = 150000, .head_width = heads.head_width, .class_object = kClassRope})
          .rope;
  AttentionSpec attention = {.heads = heads.heads,
                             .kv_heads = heads.kv_heads,
                             .head_width = heads.head_width,
                             .value_width = heads.head_width,
                             .qk_norm = QkNorm::none,
                             .qk_norm_spec = decoder.norm_spec(),
                             .clip_qkv = std::nullopt,
                             .rope = rope,
                             .scale = inverse_root(heads.head_width),
                             .value_norm_epsilon = std::nullopt,
                             .output_gate = OutputGate::none,
                             .window = std::nullopt};
  const auto window = decoder.window(128);
  if (!window) {
    decoder.config().refuse("sliding_window", "null", "a positive integer", "");
  }
  const std::vector<bool> sliding = alternating_windows(decoder);
  const bool biases = decoder.switched("attention_bias", "attention.bias", true);
  const gate::GateSpec gate = {.experts = decoder.count({"num_local_experts", "num_experts"}),
                               .top_k = decoder.count({"num_experts_per_tok", "experts_per_token"}),
                               .logit_bias = {true, kFixed},
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
                               .shared_experts = {0u, kFixed}};
  const Dimension inner = decoder.dimension("intermediate_size");
  const Dimension experts = {gate.experts, "num_local_experts"};
  const MlpSpec mlp = {.inner_width = static_cast<uint32_t>(inner.size),
                       .activation = Activation::clamped_silu,
                       .alpha = decoder.real("swiglu_alpha", 1.702f),
                       .limit = decoder.real("swiglu_limit", 7.0f)};
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    attention.window = sliding[n] ? window : std::nullopt;
    Attention mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases});
    mixer.sinks =
        decoder.tensors().vector(layer + "self_attn.sinks", {heads.heads, "num_attention_heads"});
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = std::move(mixer),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
                  .router = decoder.router(layer + "mlp.router.weight", gate)};
    made.router->logit_bias = decoder.tensors().vector(layer + "mlp.router.bias", experts);
    ExpertGroup group = {.role = ExpertRole::routed, .spec = mlp, .experts = {}};
    const Experts stored(decoder, layer + "mlp.experts.", experts, inner);
    group.experts = ExpertList::of_equal_parts(stored.first(), gate.experts);
    made.groups = groups(std::move(group));
    decoder.add(std::move(made));
  }
  // The original length is read from the RoPE object.
  static constexpr KnownKey kUnread[] = {{"initial_context_length", Harmless::always},
                                         {"rope_scaling_factor", Harmless::always},
                                         {"rope_ntk_alpha", Harmless::always},
                                         {"rope_ntk_beta", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
