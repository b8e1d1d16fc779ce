// Sarvam-30B: GLM-4.5's layers with whole heads rotated. The hub has names of its own, and queries,
// keys and values in one matrix.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// Rows of queries, of keys, of values. `columns`: 1 for a bias.
void split_rows(Tensor all, const AttentionSpec& spec, uint32_t columns, Weight& q, Weight& k,
                Weight& v) {
  const uint32_t group = spec.heads / spec.kv_heads;
  q = part(all, 0, spec.heads * spec.head_width, columns);
  k = part(all, group, spec.kv_heads * spec.head_width, columns);
  v = part(all, group + 1, spec.kv_heads * spec.head_width, columns);
}

Attention bind_sarvam_attention(Decoder& decoder, const std::string& layer,
                                const AttentionSpec& spec, bool biases) {
  const std::string hub = layer + "attention.";
  TensorBinder& tensors = decoder.tensors();
  if (!tensors.has(hub + "query_key_value.weight")) {
    return decoder.attention(layer + "self_attn.", spec, {biases, false});
  }
  const Dimension head = {spec.head_width, "head_dim"}, width = decoder.width();
  const Dimension context = {uint64_t{spec.heads} * spec.head_width,
                             "num_attention_heads*head_dim"};
  const Dimension rows = {context.size + uint64_t{2} * spec.kv_heads * spec.head_width,
                          "(num_attention_heads+2*num_key_value_heads)*head_dim"};
  Attention attention;
  attention.spec = spec;
  split_rows(tensors.bind(hub + "query_key_value.weight", {rows, width}), spec,
             decoder.model().width, attention.q, attention.k, attention.v);
  attention.o = tensors.matrix(hub + "dense.weight", width, context);
  if (biases) {
    split_rows(tensors.bind(hub + "query_key_value.bias", {rows}), spec, 1, attention.q_bias,
               attention.k_bias, attention.v_bias);
  }
  if (spec.qk_norm != QkNorm::none) {
    attention.q_norm = tensors.vector(hub + "query_layernorm.weight", head);
    attention.k_norm = tensors.vector(hub + "key_layernorm.weight", head);
  }
  return attention;
}

}  // namespace

Model bind_sarvam_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "sarvam_moe", NormKind::rms,
                  {.norm_epsilon = 1e-6, .tied = false, .embedding = "word_embeddings"});
  const Heads heads = decoder.heads({.kv_heads = 4, .head_width = 64});
  const Rope rope =
      read_rope(decoder, {.base = 8e6, .may_be_partial = true, .head_width = heads.head_width})
          .rope;
  const bool normed = decoder.switched("use_qk_norm", "attention.qk_norm", true);
  const AttentionSpec attention = {.heads = heads.heads,
                                   .kv_heads = heads.kv_heads,
                                   .head_width = heads.head_width,
                                   .value_width = heads.head_width,
                                   .qk_norm = normed ? QkNorm::per_head : QkNorm::none,
                                   .qk_norm_spec = decoder.norm_spec(),
                                   .clip_qkv = std::nullopt,
                                   .rope = rope,
                                   .scale = inverse_root(heads.head_width),
                                   .value_norm_epsilon = std::nullopt,
                                   .output_gate = OutputGate::none,
                                   .window = std::nullopt};
  const bool biases =
      decoder.switched(decoder.either("attention_bias", "use_qkv_bias"), "attention.bias", false);
  decoder.expect("score_function", "sigmoid");
  decoder.expect("moe_router_enable_expert_bias", true);
  const gate::GateSpec gate = read_grouped_gate(
      decoder, {.experts = {"n_routed_experts", "num_experts"},
                .shared_experts = decoder.either("n_shared_experts", "num_shared_experts")});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 1);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = bind_sarvam_attention(decoder, layer, attention, biases),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    FeedForwardNames names = deepseek_names(layer);
    if (sparse[n]) {
      names.selection_bias =
          decoder.first_of({layer + "mlp.gate.expert_bias", names.selection_bias});
    }
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  static constexpr KnownKey kUnread[] = {{"num_mtp_layers", Harmless::always}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
