// What a layer's view says of its keys, in the words of the experiments on keys.
#pragma once

#include <cstdint>
#include <string_view>

#include "keys/rotary_planes.h"
#include "tap/keys.h"

namespace rg::experiments {

// For windows of `seq_len` tokens; no planes in a layer without RoPE.
keys::RotaryPlanes kv_planes(const tap::KeyView& view, uint32_t seq_len);
double kv_rotation_factor(const tap::KeyView& view, uint32_t seq_len);  // 1 without RoPE

std::string_view name_of_norm(tap::KeyNorm norm);  // "full_width"

}  // namespace rg::experiments
