// Multi-head latent attention as the DeepSeek families and their kin state and name it.
#pragma once

#include <optional>
#include <string>

#include "model/decoder.h"

namespace rg::model {

// Reads num_attention_heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim,
// v_head_dim and RoPE. `base`: class default of rope_theta; none: nothing is rotated.
// `writes_base`: transformers writes that default outside the RoPE object, whatever this says.
LatentAttentionSpec read_latent_attention(Decoder& decoder, std::optional<double> base,
                                          bool writes_base = false);

// `biases`: of the down projections and of the output (attention_bias). `output`: the name of the
// output's matrix below `prefix`.
LatentAttention bind_latent_attention(Decoder& decoder, const std::string& prefix,
                                      const LatentAttentionSpec& spec, bool biases,
                                      const std::string& output = "o_proj");

}  // namespace rg::model
