// Multi-head latent attention as the DeepSeek families and their kin state and name it.
#pragma once

#include <optional>
#include <string>

#include "model/decoder.h"

namespace rg::model {

// Reads num_attention_heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim,
// v_head_dim and RoPE. `base`: class default of rope_theta; none: nothing is rotated.
LatentAttentionSpec read_latent_attention(Decoder& decoder, std::optional<double> base);

// `biases`: of the down projections and of the output (attention_bias).
LatentAttention bind_latent_attention(Decoder& decoder, const std::string& prefix,
                                      const LatentAttentionSpec& spec, bool biases);

}  // namespace rg::model
