// Nemotron-H with experts (Nemotron-3): every layer is one part behind one norm, Mamba-2, attention
// without positions, experts or a dense MLP. DeepSeek-V3's gate; squared ReLU without a gate
// projection; in some releases the routed experts work in a latent.
//
// time_step_limit bounds the time steps, as in the code that the checkpoints were published with;
// transformers 5.24 takes time_step_min for the lower bound instead, and none while it decodes.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/mamba2.h"

namespace rg::model {
namespace {

enum class NemotronPart { mamba, attention, experts, mlp };

std::optional<NemotronPart> part_of(std::string_view name) {
  if (name == "M" || name == "linear_attention" || name == "mamba") return NemotronPart::mamba;
  if (name == "*" || name == "full_attention" || name == "attention") {
    return NemotronPart::attention;
  }
  if (name == "E" || name == "moe") return NemotronPart::experts;
  if (name == "-" || name == "mlp") return NemotronPart::mlp;
  return std::nullopt;
}

// Read before the decoder, which needs their number: layers_block_type, or hybrid_override_pattern,
// a letter for each layer.
std::vector<NemotronPart> read_parts(const formats::Checkpoint& checkpoint) {
  std::vector<Origin> ignored;
  ConfigReader config(checkpoint.config(), "", ignored);
  std::vector<std::vector<NemotronPart>> stated;
  const auto add = [&](std::string_view key, const std::string& name) {
    const auto part = part_of(name);
    if (!part) {
      config.refuse(key, '"' + escape_for_terminal(name.substr(0, 40)) + '"',
                    "M, *, E or -; or in a list linear_attention, full_attention, moe or mlp", "");
    }
    stated.back().push_back(*part);
  };
  constexpr std::string_view kList = "layers_block_type", kPattern = "hybrid_override_pattern";
  if (const Json* list = config.value_if(kList)) {
    stated.emplace_back();
    if (!list->is_array()) config.refuse(kList, list->type_name(), "a list", "");
    for (const Json& entry : *list) {
      if (!entry.is_string()) config.refuse(kList, entry.type_name(), "a list of strings", "");
      add(kList, entry.get<std::string>());
    }
  }
  if (config.has(kPattern)) {
    stated.emplace_back();
    for (const char letter : config.text(kPattern, "")) add(kPattern, std::string(1, letter));
  }
  if (stated.empty()) {
    config.refuse(kPattern, "neither this key nor layers_block_type", "what each layer is", "");
  }
  if (stated.front().empty() || stated.front().size() > kMaxLayers) {
    config.refuse(stated.size() == 2 || !config.has(kPattern) ? kList : kPattern,
                  std::to_string(stated.front().size()) + " layers",
                  "1 to " + std::to_string(kMaxLayers), "");
  }
  if (stated.size() == 2 && stated[0] != stated[1]) {
    config.refuse(kPattern, "other layers than in layers_block_type", "the same", "");
  }
  return stated.front();
}

Mamba2Spec read_nemotron_mamba(Decoder& decoder) {
  const auto size = [&](std::string_view key) {
    return static_cast<uint32_t>(decoder.dimension(key).size);
  };
  const uint32_t groups = size("n_groups");
  Mamba2Spec spec = {.heads = size("mamba_num_heads"),
                     .head_width = size("mamba_head_dim"),
                     .groups = groups,
                     .state_width = size("ssm_state_size"),
                     .kernel = size("conv_kernel"),
                     .normed_groups = groups,
                     .norm_epsilon = decoder.norm_spec().epsilon,
                     .least_step = 0,
                     .largest_step = std::numeric_limits<float>::infinity()};
  limit_time_steps(decoder, spec);
  if (spec.heads % groups != 0) {
    decoder.config().refuse("n_groups", std::to_string(groups), "a divisor of mamba_num_heads", "");
  }
  return spec;
}

AttentionSpec read_nemotron_attention(Decoder& decoder) {
  const Heads heads = decoder.heads({.kv_heads = 8, .head_width = 128});
  return {.heads = heads.heads,
          .kv_heads = heads.kv_heads,
          .head_width = heads.head_width,
          .value_width = heads.head_width,
          .qk_norm = QkNorm::none,
          .qk_norm_spec = decoder.norm_spec(),
          .clip_qkv = std::nullopt,
          .rope = std::nullopt,
          .scale = inverse_root(heads.head_width),
          .value_norm_epsilon = std::nullopt,
          .output_gate = OutputGate::none,
          .window = std::nullopt};
}

// The reference builds one shared MLP, whatever n_shared_experts says.
gate::GateSpec read_nemotron_gate(Decoder& decoder) {
  gate::GateSpec gate = read_grouped_gate(decoder);
  decoder.expect("n_shared_experts", 1);
  gate.shared_experts = {1u, kFixed};
  return gate;
}

struct NemotronWidths {
  Dimension routed, shared, dense;
  uint32_t latent;  // 0: none
  bool biased;      // the shared and dense MLPs
};

MlpSpec squared_relu(Dimension inner, uint32_t latent) {
  return {.inner_width = static_cast<uint32_t>(inner.size),
          .activation = Activation::relu_squared,
          .latent_width = latent};
}

ExpertGroup bind_plain_mlp(Decoder& decoder, const std::string& prefix, Dimension inner,
                           bool biased) {
  TensorBinder& tensors = decoder.tensors();
  Expert expert;
  expert.up = tensors.matrix(prefix + "up_proj.weight", inner, decoder.width());
  expert.down = tensors.matrix(prefix + "down_proj.weight", decoder.width(), inner);
  if (biased) {
    expert.up_bias = tensors.vector(prefix + "up_proj.bias", inner);
    expert.down_bias = tensors.vector(prefix + "down_proj.bias", decoder.width());
  }
  ExpertGroup group = {.role = ExpertRole::shared, .spec = squared_relu(inner, 0), .experts = {}};
  group.experts.push_back(std::move(expert));
  return group;
}

// Two matrices for each expert, or, as transformers 5 holds them in memory, two tensors for all.
ExpertGroup bind_plain_experts(Decoder& decoder, const std::string& mixer,
                               const gate::GateSpec& gate, const NemotronWidths& widths) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension inner = widths.routed, experts = {gate.experts, "n_routed_experts"};
  const Dimension latent = {widths.latent, "moe_latent_size"};
  const Dimension width = widths.latent != 0 ? latent : decoder.width();
  ExpertGroup group = {
      .role = ExpertRole::routed, .spec = squared_relu(inner, widths.latent), .experts = {}};
  if (widths.latent != 0) {
    group.latent = {
        .down = tensors.matrix(mixer + "fc1_latent_proj.weight", latent, decoder.width()),
        .up = tensors.matrix(mixer + "fc2_latent_proj.weight", decoder.width(), latent)};
  }
  const std::string prefix = mixer + "experts.";
  if (tensors.has(prefix + "up_proj")) {
    const Tensor up = tensors.bind(prefix + "up_proj", {experts, inner, width});
    const Tensor down = tensors.bind(prefix + "down_proj", {experts, width, inner});
    const auto rows = static_cast<uint32_t>(inner.size),
               columns = static_cast<uint32_t>(width.size);
    for (uint64_t e = 0; e < experts.size; ++e) {
      group.experts.push_back(
          {.up = part(up, e, rows, columns), .down = part(down, e, columns, rows)});
    }
    return group;
  }
  for (uint64_t e = 0; e < experts.size; ++e) {
    const std::string expert = prefix + std::to_string(e) + '.';
    group.experts.push_back({.up = tensors.matrix(expert + "up_proj.weight", inner, width),
                             .down = tensors.matrix(expert + "down_proj.weight", width, inner)});
  }
  return group;
}

NemotronWidths read_widths(Decoder& decoder, bool has_dense) {
  ConfigReader& config = decoder.config();
  NemotronWidths widths = {
      .routed = decoder.dimension("moe_intermediate_size"),
      .shared = decoder.dimension("moe_shared_expert_intermediate_size"),
      .dense = has_dense ? decoder.dimension("intermediate_size") : Dimension{0, ""},
      .latent = config.count_if("moe_latent_size", "experts.latent_width").value_or(0),
      .biased = decoder.switched("mlp_bias", "experts.bias", false)};
  if (config.has("moe_latent_size") && config.count_if("moe_latent_size", "") == 0u) {
    config.refuse("moe_latent_size", "0", "at least 1, or null", "");
  }
  if (widths.latent != 0 && widths.biased) {
    config.refuse("mlp_bias", "true", "false where moe_latent_size is stated",
                  "Biases of the projections to and from the latent are not implemented.");
  }
  return widths;
}

}  // namespace

Model bind_nemotron_h(const formats::Checkpoint& checkpoint) {
  const std::vector<NemotronPart> parts = read_parts(checkpoint);
  Decoder decoder(checkpoint, "nemotron_h", NormKind::rms,
                  {.norm_epsilon = 1e-5,
                   .tied = false,
                   .norm_epsilon_key = "layer_norm_epsilon",
                   .embedding = "embeddings",
                   .hub_root = "backbone.",
                   .layers = static_cast<uint32_t>(parts.size())});
  for (const char* key : {"layers_block_type", "hybrid_override_pattern"}) {
    decoder.config().value_if(key);
  }
  const AttentionSpec attention = read_nemotron_attention(decoder);
  const Mamba2Spec mamba = read_nemotron_mamba(decoder);
  const Mamba2Biases biases = {
      .convolution = decoder.switched("use_conv_bias", "mamba.convolution_bias", true),
      .projections = decoder.switched("use_bias", "mamba.projection_bias", false)};
  const gate::GateSpec gate = read_nemotron_gate(decoder);
  const bool has_dense = std::find(parts.begin(), parts.end(), NemotronPart::mlp) != parts.end();
  const NemotronWidths widths = read_widths(decoder, has_dense);
  decoder.expect("mlp_hidden_act", "relu2");
  decoder.expect("mamba_hidden_act", "silu");
  // Another name of the norms' epsilon in older files, which no one reads.
  const auto other = decoder.config().real_if("norm_eps", "");
  if (other && static_cast<float>(*other) != decoder.norm_spec().epsilon) {
    decoder.config().refuse("norm_eps", std::to_string(*other), "layer_norm_epsilon's value", "");
  }
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mixer = layer + "mixer.";
    const Norm norm = decoder.norm(layer + "norm");
    Layer made;
    switch (parts[n]) {
      case NemotronPart::mamba:
        made.mixer_norm = norm;
        made.mixer = bind_mamba2(decoder, mixer, mamba, biases);
        break;
      case NemotronPart::attention:
        made.mixer_norm = norm;
        made.mixer = decoder.attention(mixer, attention, {false, false});
        break;
      case NemotronPart::mlp:
        made.feed_forward_norm = norm;
        made.groups = groups(bind_plain_mlp(decoder, mixer, widths.dense, widths.biased));
        break;
      case NemotronPart::experts:
        made.feed_forward_norm = norm;
        made.router =
            decoder.router(mixer + "gate.weight", gate, mixer + "gate.e_score_correction_bias");
        made.groups = groups(
            bind_plain_experts(decoder, mixer, gate, widths),
            bind_plain_mlp(decoder, mixer + "shared_experts.", widths.shared, widths.biased));
        break;
    }
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {
      {"attention_bias", Harmless::unless_true},
      // How the recurrence is cut for a GPU, and in which type its state is kept.
      {"chunk_size", Harmless::always},
      {"mamba_ssm_cache_dtype", Harmless::always},
      {"use_mamba_kernels", Harmless::always},
      {"residual_in_fp32", Harmless::always},
      {"moe_shared_expert_overlap", Harmless::always},
      // The width of Mamba is mamba_num_heads * mamba_head_dim; of dense layers, where there are
      // none; of a rotation that no layer has.
      {"expand", Harmless::always},
      {"intermediate_size", Harmless::always},
      {"partial_rotary_factor", Harmless::always},
      {"rope_theta", Harmless::always},
      {"mamba_proj_bias", Harmless::unless_true},
      {"sliding_window", Harmless::if_null},
      // How weights are drawn before training.
      {"rescale_prenorm_residual", Harmless::always},
      {"time_step_floor", Harmless::always},
      {"time_step_max", Harmless::always},
      {"time_step_min", Harmless::always},
      {"num_logits_to_keep", Harmless::always},
      {"mtp_hybrid_override_pattern", Harmless::always},
      {"mtp_layers_block_type", Harmless::always},
  };
  return decoder.finish(kUnread, "norm_f");
}

}  // namespace rg::model
