// Hunyuan-A13B: softmax over all experts, the selected weights normalised, one shared expert as
// wide as a routed one; each head of queries and keys is normed after the rotation.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"

namespace rg::model {
namespace {

// A number for all layers, or a list of one for each.
std::vector<uint32_t> number_per_layer(Decoder& decoder, std::string_view key) {
  ConfigReader& config = decoder.config();
  const Json* list = config.value_if(key);
  if (list == nullptr || !list->is_array()) {
    return std::vector<uint32_t>(decoder.layers(), decoder.count({key}));
  }
  std::vector<uint32_t> values;
  for (const Json& entry : *list) {
    if (!entry.is_number_unsigned() || entry.get<uint64_t>() > kMaxCount) {
      config.refuse(key, write_json(entry, JsonLayout::compact), "a list of integers", "");
    }
    values.push_back(entry.get<uint32_t>());
  }
  if (values.size() != decoder.layers()) {
    config.refuse(key, std::to_string(values.size()) + " entries",
                  std::to_string(decoder.layers()) + ", one for each layer", "");
  }
  return values;
}

// transformers gives every expert the width intermediate_size and builds one shared expert,
// whatever these keys say.
void expect_in_all_layers(Decoder& decoder, std::string_view key, uint32_t value) {
  if (!decoder.config().has(key)) return;
  for (const uint32_t stated : number_per_layer(decoder, key)) {
    if (stated == value) continue;
    decoder.config().refuse(key, std::to_string(stated), std::to_string(value),
                            "The family computes nothing else, whatever this key says.");
  }
}

gate::GateSpec hunyuan_gate(Decoder& decoder, gate::Stated<uint32_t> top_k) {
  return {.experts = decoder.count({"num_experts", "num_local_experts"}),
          .top_k = std::move(top_k),
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
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = {1u, kFixed}};
}

}  // namespace

Model bind_hunyuan_v1_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "hunyuan_v1_moe", NormKind::rms,
                  {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(decoder, {.base = 1e4, .head_width = heads.head_width, .alpha = true}).rope;
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = QkNorm::per_head_rotated,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = std::nullopt};
  const bool biases = decoder.switched("attention_bias", "attention.bias", false);
  const std::string_view top_k_key =
      decoder.config().has("moe_topk") ? "moe_topk" : "num_experts_per_tok";
  const std::vector<uint32_t> top_k = number_per_layer(decoder, top_k_key);
  if (top_k_key == "moe_topk") {
    expect_in_all_layers(decoder, "num_experts_per_tok", top_k.front());
  }
  const Dimension inner = decoder.dimension("intermediate_size");
  const auto width = static_cast<uint32_t>(inner.size);
  expect_in_all_layers(decoder, "moe_intermediate_size", width);
  expect_in_all_layers(decoder, "num_shared_expert", 1);
  decoder.expect("hidden_act", "silu");
  decoder.expect("moe_layer_num_skipped", 0);
  decoder.expect("use_mixed_mlp_moe", true);
  decoder.expect("use_qk_norm", true);
  decoder.expect("norm_topk_prob", true);
  gate::GateSpec gate = hunyuan_gate(decoder, {0u, "config.json: " + std::string(top_k_key)});
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n), mlp = layer + "mlp.";
    gate.top_k.value = top_k[n];
    decoder.add({.mixer_norm = decoder.norm(layer + "input_layernorm"),
                 .mixer = decoder.attention(
                     layer + "self_attn.", attention, {biases, biases},
                     {.q_norm = "query_layernorm.weight", .k_norm = "key_layernorm.weight"}),
                 .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm"),
                 .router = decoder.router(mlp + "gate.wg.weight", gate),
                 .groups = groups(decoder.routed(mlp + "experts.", gate, inner),
                                  decoder.shared(mlp + "shared_mlp.", inner))});
  }
  static constexpr KnownKey kUnread[] = {{"eod_token_id", Harmless::always},
                                         {"mlp_bias", Harmless::unless_true},
                                         {"use_cla", Harmless::unless_true}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
