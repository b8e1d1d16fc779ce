// Storage types of weights that can be streamed; dtype_from_name() returns none for all others.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rg {

// f8_e4m3 has values only with the scales of its blocks, u8 only as packed blocks or exponents:
// tensor/encoding.h.
enum class DType { f32, bf16, f16, f8_e4m3, u8 };

std::string_view dtype_name(DType dtype);  // safetensors' spelling: "F32", "BF16", "F8_E4M3"
std::optional<DType> dtype_from_name(std::string_view name);
constexpr size_t dtype_bytes(DType dtype) {
  return dtype == DType::f32 ? 4 : dtype == DType::bf16 || dtype == DType::f16 ? 2 : 1;
}

// bfloat16: the upper half of an fp32; rounding to nearest, ties to even; NaN stays NaN.
using bf16_t = uint16_t;

inline float bf16_to_f32(bf16_t value) noexcept {
  return std::bit_cast<float>(uint32_t{value} << 16);
}

inline bf16_t f32_to_bf16(float value) noexcept {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<bf16_t>(bits >> 16 | 0x40u);
  return static_cast<bf16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float f16_to_f32(uint16_t value) noexcept;

// `count` stored values at `bytes` as fp32, exactly; of f8_e4m3 without scales, of u8 the integer.
// Any alignment.
void convert_to_f32(DType dtype, const std::byte* bytes, size_t count, float* out) noexcept;

}  // namespace rg
