// Multi-head latent attention as the DeepSeek families and their kin state and name it.
#pragma once

#include <optional>
#include <string>

#include "model/decoder.h"

namespace rg::model {

struct LatentRope {
  double base;                     // class default of rope_theta
  bool may_be_halves = false;      // the family reads rope_interleave: false
  bool writes_class_base = false;  // RopeRules
  bool deepseek_yarn = false;      // RopeRules
};

// Reads num_attention_heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim,
// v_head_dim and RoPE. `rope`: none: nothing is rotated.
LatentAttentionSpec read_latent_attention(Decoder& decoder, std::optional<LatentRope> rope);

// `biases`: of the down projections and of the output (attention_bias). `output`: the name of the
// output's matrix below `prefix`.
LatentAttention bind_latent_attention(Decoder& decoder, const std::string& prefix,
                                      const LatentAttentionSpec& spec, bool biases,
                                      const std::string& output = "o_proj");

}  // namespace rg::model
