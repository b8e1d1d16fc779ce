// K-EXAONE: DeepSeek-V3's gate and experts, grouped-query attention with normed heads; layers with
// a sliding window rotate their heads, layers without one don't.
#include <algorithm>

#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"
#include "model/sparse_layers.h"

namespace rg::model {
namespace {

// layer_types, or all layers but each sliding_window_pattern-th.
std::vector<bool> patterned_windows(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const Json* pattern = config.value_if("sliding_window_pattern");
  if (const auto listed =
          decoder.layer_list("layer_types", "sliding_attention", "full_attention")) {
    return *listed;
  }
  const uint64_t period = pattern == nullptr              ? 4
                          : pattern->is_number_unsigned() ? pattern->get<uint64_t>()
                                                          : 0;
  if (period == 0) {
    config.refuse("sliding_window_pattern", write_json(*pattern, JsonLayout::compact),
                  "a positive integer, or layer_types", "");
  }
  std::vector<bool> layers(decoder.layers());
  for (uint32_t n = 0; n < layers.size(); ++n) layers[n] = (n + 1) % period != 0;
  return layers;
}

}  // namespace

Model bind_exaone_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "exaone_moe", NormKind::rms, {.norm_epsilon = 1e-5, .tied = false});
  const Heads heads = decoder.heads();
  const Rope rope = read_rope(decoder, {.base = 1e4, .head_width = heads.head_width}).rope;
  AttentionSpec attention = {.heads = heads.heads,
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
  const auto window = decoder.window(4096);
  if (!window) {
    decoder.config().refuse("sliding_window", "null", "a positive integer", "");
  }
  const std::vector<bool> sliding = patterned_windows(decoder);
  const gate::GateSpec gate = read_grouped_gate(
      decoder, {.experts = {"num_experts"}, .shared_experts = "num_shared_experts"});
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = layers_after_dense_ones(decoder, 1);
  decoder.expect("hidden_act", "silu");
  decoder.expect("attention_bias", false);
  decoder.expect("mlp_bias", false);
  decoder.expect("is_moe_layer", sparse);
  // The first releases' name of first_k_dense_replace, which transformers doesn't read.
  decoder.expect("first_last_k_dense_replace",
                 std::find(sparse.begin(), sparse.end(), true) - sparse.begin());
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    attention.window = sliding[n] ? window : std::nullopt;
    attention.rope = sliding[n] ? std::optional(rope) : std::nullopt;
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {false, false}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    FeedForwardNames names = deepseek_names(layer);
    names.selection_bias =
        decoder.first_of({layer + "mlp.e_score_correction_bias", names.selection_bias});
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  return decoder.finish({});
}

}  // namespace rg::model
