#include "tensor/dtype.h"

#include <cstring>

#include "tensor/encoding.h"

namespace rg {

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::bf16:
      return "BF16";
    case DType::f16:
      return "F16";
    case DType::f8_e4m3:
      return "F8_E4M3";
    case DType::u8:
      return "U8";
  }
  return "?";
}

std::optional<DType> dtype_from_name(std::string_view name) {
  if (name == "F32") return DType::f32;
  if (name == "BF16") return DType::bf16;
  if (name == "F16") return DType::f16;
  if (name == "F8_E4M3") return DType::f8_e4m3;
  if (name == "U8") return DType::u8;
  return std::nullopt;
}

float f16_to_f32(uint16_t value) noexcept {
  const uint32_t sign = (value & 0x8000u) << 16;
  const uint32_t exponent = value >> 10 & 0x1fu;
  const uint32_t mantissa = value & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // exact
  return sign != 0 ? -magnitude : magnitude;
}

void convert_to_f32(DType dtype, const std::byte* bytes, size_t count, float* out) noexcept {
  if (dtype == DType::f32) {
    std::memcpy(out, bytes, count * sizeof(float));
    return;
  }
  if (dtype_bytes(dtype) == 1) {
    for (size_t i = 0; i < count; ++i) {
      const auto stored = std::to_integer<uint8_t>(bytes[i]);
      out[i] = dtype == DType::u8 ? static_cast<float>(stored) : f8_e4m3_to_f32(stored);
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    uint16_t stored = 0;
    std::memcpy(&stored, bytes + 2 * i, sizeof stored);
    out[i] = dtype == DType::bf16 ? bf16_to_f32(stored) : f16_to_f32(stored);
  }
}

}  // namespace rg
