// How every token mixer is prepared and called.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/product.h"
#include "model/blocks/head_attention.h"

namespace rg::model {

struct MixerSetting {
  uint32_t width;  // d
  kernels::Compute compute;
  std::span<const uint32_t> rows;  // of the sequences to come, distinct; the first packs weights
};

// One sequence of `length` tokens, padded to `rows`.
struct MixerCall {
  uint32_t rows, length;
  Mask mask;
  const std::byte* in;  // (rows, d) compute type; zeros past `length`
  float* out;           // (rows, d); rows past `length` are meaningless
  std::byte* scratch;   // scratch_bytes(), 64-byte aligned
  kernels::Scratch* products;
};

}  // namespace rg::model
