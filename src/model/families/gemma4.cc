// Gemma-4 26B-A4B, text: each layer has a dense MLP and routed experts side by side, each between
// norms of its own; the router reads the residual stream through a norm and a scale of its own and
// weighs by a factor per expert; layers with a window and layers without differ in heads, in RoPE,
// and in where values come from.
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {
namespace {

// Without an object in the config.
constexpr std::string_view kFullRope =
    R"({"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1000000.0})";

// layer_types, or all but each sixth; the last layer is a full one in any case.
std::vector<bool> gemma_windows(Decoder& decoder) {
  std::vector<bool> sliding(decoder.layers());
  for (uint32_t n = 0; n < sliding.size(); ++n) sliding[n] = (n + 1) % 6 != 0;
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    sliding = *listed;
  }
  sliding.back() = false;
  return sliding;
}

// Whether `key` is the number of one of so many layers.
bool is_layer(const std::string& key, uint32_t layers) {
  uint32_t layer = 0;
  const auto parsed = std::from_chars(key.data(), key.data() + key.size(), layer);
  return parsed.ec == std::errc() && layer < layers && std::to_string(layer) == key;
}

// Heads of a full layer: per_layer_config of transformers 5, or global_head_dim and
// num_global_key_value_heads, which count only where values are keys.
Heads full_heads(Decoder& decoder, Heads heads, const std::vector<bool>& sliding,
                 bool key_is_value) {
  ConfigReader& config = decoder.config();
  const auto width = config.count_if("global_head_dim", "");
  const auto kv_heads = config.count_if("num_global_key_value_heads", "");
  const Json* overrides = config.object_if("per_layer_config");
  const auto checked = [&](const Heads& full, std::string_view key) {
    if (full.kv_heads == 0 || full.heads % full.kv_heads != 0) {
      config.refuse(key, std::to_string(full.kv_heads),
                    "a divisor of num_attention_heads=" + std::to_string(full.heads), "");
    }
    return full;
  };
  if (overrides == nullptr) {
    heads.head_width = width.value_or(512);
    if (key_is_value && kv_heads) heads.kv_heads = *kv_heads;
    return checked(heads, "num_global_key_value_heads");
  }
  for (const auto& [key, entry] : overrides->items()) {
    if (is_layer(key, decoder.layers()) && entry.is_object()) continue;
    config.refuse("per_layer_config", escape_for_terminal(key), "an object for a layer's number",
                  "");
  }
  std::optional<Heads> found;
  for (uint32_t n = 0; n < sliding.size(); ++n) {
    Heads here = heads;
    const auto entry = overrides->find(std::to_string(n));
    if (entry != overrides->end()) {
      ConfigReader layer(*entry, "per_layer_config." + std::to_string(n), decoder.model().origins);
      here.head_width = layer.count_or("head_dim", "", heads.head_width);
      here.kv_heads = layer.count_or("num_key_value_heads", "", heads.kv_heads);
      layer.collect_leftovers({}, decoder.leftovers());
    }
    const Heads& expected = sliding[n] ? heads : found.value_or(here);
    if (here.head_width != expected.head_width || here.kv_heads != expected.kv_heads) {
      config.refuse("per_layer_config", write_json(*overrides, JsonLayout::compact),
                    "one shape for all full layers, the config's own for the others", "");
    }
    if (!sliding[n]) found = here;
  }
  return checked(*found, "per_layer_config");
}

AttentionSpec spec_of(Decoder& decoder, const Heads& heads, const Rope& rope) {
  return {.heads = heads.heads,
          .kv_heads = heads.kv_heads,
          .head_width = heads.head_width,
          .value_width = heads.head_width,
          .qk_norm = QkNorm::per_head,
          .qk_norm_spec = decoder.norm_spec(),
          .clip_qkv = std::nullopt,
          .rope = rope,
          .scale = 1,
          .value_norm_epsilon = decoder.norm_spec().epsilon,
          .output_gate = OutputGate::none,
          .window = std::nullopt};
}

void check_unsupported(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  if (!config.flag_or("enable_moe_block", "", false)) {
    config.refuse("enable_moe_block", "false", "true", "A dense model has no routers to measure.");
  }
  decoder.expect("hidden_activation", "gelu_pytorch_tanh");
  config.count("hidden_size_per_layer_input", "");  // the class default is 256
  decoder.expect("hidden_size_per_layer_input", 0);
  decoder.expect("num_kv_shared_layers", 0);
  decoder.expect("use_double_wide_mlp", false);
  decoder.expect("use_bidirectional_attention", "vision");
}

}  // namespace

Model bind_gemma4(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "gemma4", NormKind::rms,
                  {.norm_epsilon = 1e-6, .tied = true, .tied_outside = true});
  check_unsupported(decoder);
  const std::vector<bool> sliding = gemma_windows(decoder);
  const bool key_is_value = decoder.switched("attention_k_eq_v", "attention.key_is_value", false);
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const Heads heads = decoder.heads();
  const Heads global = full_heads(decoder, heads, sliding, key_is_value);
  AttentionSpec windowed = spec_of(decoder, heads,
                                   read_rope(decoder, {.base = 1e4,
                                                       .head_width = heads.head_width,
                                                       .layer_type = "sliding_attention",
                                                       .object_states_base = true})
                                       .rope);
  windowed.window = decoder.window(512);
  if (!windowed.window) {
    decoder.config().refuse("sliding_window", "null", "a positive integer", "");
  }
  const AttentionSpec full = spec_of(decoder, global,
                                     read_rope(decoder, {.base = 1e6,
                                                         .head_width = global.head_width,
                                                         .proportional = true,
                                                         .layer_type = "full_attention",
                                                         .object_states_base = true,
                                                         .class_object = kFullRope})
                                         .rope);
  const gate::GateSpec gate = {.experts = decoder.count({"num_experts"}),
                               .top_k = decoder.count({"top_k_experts"}),
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::softmax, kFixed},
                               .selection_bias = {false, kFixed},
                               .groups = {1u, kFixed},
                               .groups_kept = {1u, kFixed},
                               .group_score = {gate::GroupScore::none, kFixed},
                               .weigh = {gate::Weigh::scores, kFixed},
                               .normalise = {gate::Normalise::by_sum, kFixed},
                               .epsilon = {0.0f, kFixed},
                               .scaling = {1.0f, kFixed},
                               .per_expert_scale = {true, kFixed},
                               .ids_from_table = {false, kFixed},
                               .shared_experts = {1u, kFixed}};
  const Dimension inner = decoder.dimension("moe_intermediate_size");
  const Dimension dense = decoder.dimension("intermediate_size");
  const Dimension experts = {gate.experts, "num_experts"};
  decoder.model().embedding_multiplier =
      static_cast<float>(std::sqrt(double{1} * decoder.model().width));
  if (decoder.config().real_if("final_logit_softcapping", "unembedding.softcap")) {
    decoder.model().logit_softcap = decoder.real("final_logit_softcapping", std::nullopt);
  }
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    const AttentionSpec& spec = sliding[n] ? windowed : full;
    Layer made;
    made.mixer_norm = decoder.norm(layer + "input_layernorm");
    made.mixer = decoder.attention(layer + "self_attn.", spec, {biases, biases},
                                   {.values_are_keys = key_is_value && !sliding[n]});
    made.mixer_output_norm = decoder.norm(layer + "post_attention_layernorm");
    made.feed_forward_norm = decoder.norm(layer + "pre_feedforward_layernorm_2");
    made.router = decoder.router(layer + "router.proj.weight", gate);
    made.router->per_expert_scale =
        decoder.tensors().vector(layer + "router.per_expert_scale", experts);
    made.router->input_norm = {decoder.norm_spec(),
                               decoder.tensors().vector(layer + "router.scale", decoder.width())};
    made.router->input_multiplier = inverse_root(decoder.model().width);
    made.groups = groups(decoder.routed(layer + "experts.", gate, inner),
                         decoder.shared(layer + "mlp.", dense));
    for (ExpertGroup& group : made.groups) group.spec.activation = Activation::gelu_tanh;
    made.groups[0].output_norm = decoder.norm(layer + "post_feedforward_layernorm_2");
    made.groups[1].input_norm = decoder.norm(layer + "pre_feedforward_layernorm");
    made.groups[1].output_norm = decoder.norm(layer + "post_feedforward_layernorm_1");
    made.feed_forward_output_norm = decoder.norm(layer + "post_feedforward_layernorm");
    made.output_scalar = decoder.tensors().vector(layer + "layer_scalar", {1, "one number"});
    decoder.add(std::move(made));
  }
  // Of small dense models: a table of inputs per layer.
  static constexpr KnownKey kUnread[] = {{"vocab_size_per_layer_input", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
