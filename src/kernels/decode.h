// Packed weights to fp32, vectorised through Highway with run-time dispatch; bit-equal to
// tensor/encoding.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rg::kernels {

// out_i = value of in_i, times `scale`.
void decode_f8_e4m3(const uint8_t* in, size_t n, float scale, float* out) noexcept;
// `blocks` MXFP4 blocks: 16 bytes and one scale each -> 32 values each.
void decode_mxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks, float* out) noexcept;

}  // namespace rg::kernels
