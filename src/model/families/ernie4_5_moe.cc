// ERNIE 4.5 (21B-A3B, 300B-A47B): softmax scores, a bias that counts for the selection only,
// weights normalised with a floor, shared experts; neighbouring dimensions are rotated together.
#include "base/json.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/grouped_gate.h"

namespace rg::model {
namespace {

// Every moe_layer_interval-th layer from moe_layer_start_index to moe_layer_end_index.
std::vector<bool> sparse_layers(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const uint32_t first = config.count_or("moe_layer_start_index", "layers.first_sparse", 1);
  const uint32_t interval = config.count_or("moe_layer_interval", "layers.sparse_step", 1);
  if (interval == 0) config.refuse("moe_layer_interval", "0", "at least 1", "");
  uint32_t last = decoder.layers() - 1;
  const Json* stated = config.value_if("moe_layer_end_index");
  const bool open = stated == nullptr ||
                    (*stated == -1 && stated->is_number_integer() && !stated->is_number_unsigned());
  if (!open) last = config.count("moe_layer_end_index", "");
  std::vector<bool> sparse(decoder.layers());
  for (uint32_t n = 0; n < sparse.size(); ++n) {
    sparse[n] = (n + 1) % interval == 0 && n >= first && n <= last;
  }
  return sparse;
}

}  // namespace

Model bind_ernie4_5_moe(const formats::Checkpoint& checkpoint) {
  Decoder decoder(checkpoint, "ernie4_5_moe", NormKind::rms, {.norm_epsilon = 1e-5, .tied = true});
  const Heads heads = decoder.heads();
  const Rope rope =
      read_rope(decoder,
                {.base = 5e5, .pairing = RopePairing::interleaved, .head_width = heads.head_width})
          .rope;
  const AttentionSpec attention = {.heads = heads.heads,
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
  const bool biases = decoder.switched("use_bias", "attention.bias", false);
  const gate::GateSpec gate = {.experts = decoder.count({"moe_num_experts", "num_experts"}),
                               .top_k = decoder.count({"moe_k", "num_experts_per_tok"}),
                               .logit_bias = {false, kFixed},
                               .score = {gate::Score::softmax, kFixed},
                               .selection_bias = {true, kFixed},
                               .groups = {1u, kFixed},
                               .groups_kept = {1u, kFixed},
                               .group_score = {gate::GroupScore::none, kFixed},
                               .weigh = {gate::Weigh::scores, kFixed},
                               .normalise = {gate::Normalise::by_max_of_sum_and_epsilon, kFixed},
                               .epsilon = decoder.real("moe_norm_min", 1e-12f),
                               .scaling = {1.0f, kFixed},
                               .per_expert_scale = {false, kFixed},
                               .ids_from_table = {false, kFixed},
                               .shared_experts = decoder.count({"moe_num_shared_experts"})};
  const FeedForwardWidths widths = {.routed = decoder.dimension("moe_intermediate_size"),
                                    .dense = decoder.dimension("intermediate_size")};
  const std::vector<bool> sparse = sparse_layers(decoder);
  decoder.expect("hidden_act", "silu");
  for (uint32_t n = 0; n < decoder.layers(); ++n) {
    const std::string layer = decoder.layer_prefix(n);
    Layer made = {.mixer_norm = decoder.norm(layer + "input_layernorm"),
                  .mixer = decoder.attention(layer + "self_attn.", attention, {biases, biases}),
                  .feed_forward_norm = decoder.norm(layer + "post_attention_layernorm")};
    const std::string mlp = layer + "mlp.";
    const FeedForwardNames names = {
        .router = mlp + "gate.weight",
        .selection_bias = decoder.first_of({mlp + "moe_statics.e_score_correction_bias",
                                            mlp + "gate.moe_statics.e_score_correction_bias"}),
        .experts = mlp + "experts.",
        .shared = mlp + "shared_experts.",
        .dense = mlp,
        .biased = biases};
    add_feed_forward(decoder, made, sparse[n], gate, widths, names);
    decoder.add(std::move(made));
  }
  if (biases) decoder.bind_head_bias();
  decoder.expect("moe_gate", "topk");
  // How it was trained and served; experts are never full here.
  static constexpr KnownKey kUnread[] = {{"moe_capacity", Harmless::always},
                                         {"moe_use_aux_free", Harmless::if_true},
                                         {"use_rmsnorm", Harmless::if_true}};
  return decoder.finish(kUnread);
}

}  // namespace rg::model
