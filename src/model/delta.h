// Kimi delta attention as Kimi-Linear and Ling name it.
#pragma once

#include <string>

#include "model/decoder.h"

namespace rg::model {

// q_proj, k_proj, v_proj, b_proj, A_log, dt_bias, o_norm; f_proj and g_proj, or f_a_proj, f_b_proj
// and g_a_proj, g_b_proj where spec has a latent; q_conv1d, k_conv1d and v_conv1d, or conv1d. What
// makes the decay may be below `forget_gate`. `output`: the name of the output's matrix.
KimiDelta bind_kimi_delta(Decoder& decoder, const std::string& prefix, const KimiDeltaSpec& spec,
                          const std::string& output = "o_proj");

}  // namespace rg::model
