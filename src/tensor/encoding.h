// Stored weights that are numbers only together with the scales of their blocks, value by value.
// The vectorised forms are in kernels/decode.h; both give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rg {

// FP8 E4M3 (OCP OFP8, without infinities): 1 sign, 4 exponent (bias 7), 3 mantissa bits; 0x7f and
// 0xff are NaN.
inline constexpr float kF8E4m3Max = 448;
float f8_e4m3_to_f32(uint8_t stored) noexcept;

// MXFP4 (OCP MX 1.0): blocks of 32 values, 16 bytes of E2M1 numbers and one E8M0 scale. The low
// half of byte j is value 2j, the high half value 2j + 1.
inline constexpr size_t kMxBlockValues = 32;
inline constexpr size_t kMxBlockBytes = 16;
inline constexpr float kE2m1Max = 6;
float e2m1_to_f32(uint8_t four_bits) noexcept;
float e8m0_to_f32(uint8_t exponent) noexcept;  // 2^(exponent - 127); NaN for 255

}  // namespace rg
