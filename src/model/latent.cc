#include "model/latent.h"

#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "model/config_rope.h"

namespace rg::model {
namespace {

// (plain + rotated)^-1/2, times (0.1 m ln(factor) + 1)^2 where yarn states m = mscale_all_dim.
float score_scale(const LatentAttentionSpec& spec, const ReadRope& read) {
  double scale = 1 / std::sqrt(double{1} * spec.plain_width + spec.rotated_width);
  const auto* yarn = std::get_if<YarnRope>(&read.rope.scaling);
  if (yarn != nullptr && read.mscale_all_dim != 0 && yarn->factor > 1) {
    const double m = 0.1 * read.mscale_all_dim * std::log(double{yarn->factor}) + 1;
    scale *= m * m;
  }
  return static_cast<float>(scale);
}

}  // namespace

LatentAttentionSpec read_latent_attention(Decoder& decoder, std::optional<LatentRope> rope) {
  ConfigReader& config = decoder.config();
  const auto size = [&](std::string_view key) {
    return static_cast<uint32_t>(decoder.dimension(key).size);
  };
  LatentAttentionSpec spec = {};
  spec.heads = size("num_attention_heads");
  const auto query_latent = config.count_if("q_lora_rank", "attention.query_latent");
  if (query_latent == 0u) config.refuse("q_lora_rank", "0", "at least 1, or null", "");
  spec.query_latent = query_latent.value_or(0);
  spec.latent = size("kv_lora_rank");
  spec.plain_width = size("qk_nope_head_dim");
  spec.rotated_width = size("qk_rope_head_dim");
  spec.value_width = size("v_head_dim");
  spec.latent_norm_epsilon = 1e-6f;  // whatever rms_norm_eps says
  // Written by configs, and without a meaning here: every head has its own keys and values.
  config.count_if("num_key_value_heads", "");
  config.count_if("head_dim", "");
  config.count_if("qk_head_dim", "");
  if (!rope) {
    spec.scale = inverse_root(spec.plain_width + spec.rotated_width);
    return spec;
  }
  if (!rope->may_be_halves) decoder.expect("rope_interleave", true);
  const bool interleaved = config.flag_or("rope_interleave", "attention.rope_interleaved", true);
  const ReadRope read = read_rope(
      decoder, {.base = rope->base,
                .pairing = interleaved ? RopePairing::interleaved : RopePairing::half_split,
                .head_width = spec.rotated_width,
                .head_width_key = "qk_rope_head_dim",
                .deepseek_yarn = rope->deepseek_yarn,
                .scales_scores = true,
                .writes_class_base = rope->writes_class_base});
  spec.rope = read.rope;
  spec.scale = score_scale(spec, read);
  if (!(spec.scale > 0) || !std::isfinite(spec.scale)) {
    config.refuse("rope_parameters", fmt::format("mscale_all_dim = {}", read.mscale_all_dim),
                  "a magnitude that leaves a positive scale of the scores", "");
  }
  return spec;
}

LatentAttention bind_latent_attention(Decoder& decoder, const std::string& prefix,
                                      const LatentAttentionSpec& spec, bool biases,
                                      const std::string& output) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width();
  const Dimension query_latent = {spec.query_latent, "q_lora_rank"};
  const Dimension latent = {spec.latent, "kv_lora_rank"};
  const Dimension down = {uint64_t{spec.latent} + spec.rotated_width,
                          "kv_lora_rank+qk_rope_head_dim"};
  const Dimension q = {uint64_t{spec.heads} * (spec.plain_width + spec.rotated_width),
                       "num_attention_heads*(qk_nope_head_dim+qk_rope_head_dim)"};
  const Dimension kv = {uint64_t{spec.heads} * (spec.plain_width + spec.value_width),
                        "num_attention_heads*(qk_nope_head_dim+v_head_dim)"};
  const Dimension o = {uint64_t{spec.heads} * spec.value_width, "num_attention_heads*v_head_dim"};
  LatentAttention attention;
  attention.spec = spec;
  if (spec.query_latent != 0) {
    attention.q_down = tensors.matrix(prefix + "q_a_proj.weight", query_latent, width);
    attention.q_norm = tensors.vector(prefix + "q_a_layernorm.weight", query_latent);
    attention.q = tensors.matrix(prefix + "q_b_proj.weight", q, query_latent);
    if (biases) attention.q_down_bias = tensors.vector(prefix + "q_a_proj.bias", query_latent);
  } else {
    attention.q = tensors.matrix(prefix + "q_proj.weight", q, width);
  }
  attention.kv_down = tensors.matrix(prefix + "kv_a_proj_with_mqa.weight", down, width);
  attention.kv_norm = tensors.vector(prefix + "kv_a_layernorm.weight", latent);
  attention.kv = tensors.matrix(prefix + "kv_b_proj.weight", kv, latent);
  attention.o = tensors.matrix(prefix + output + ".weight", width, o);
  if (spec.head_gate) {
    const Dimension heads = {spec.heads, "num_attention_heads"};
    attention.gate = tensors.matrix(prefix + "g_proj.weight", heads, width);
  }
  if (biases) {
    attention.kv_down_bias = tensors.vector(prefix + "kv_a_proj_with_mqa.bias", down);
    attention.o_bias = tensors.vector(prefix + output + ".bias", width);
  }
  return attention;
}

}  // namespace rg::model
