#include "tensor/encoding.h"

#include <bit>
#include <limits>

namespace rg {

float f8_e4m3_to_f32(uint8_t stored) noexcept {
  const uint32_t sign = static_cast<uint32_t>(stored & 0x80u) << 24;
  const uint32_t exponent = stored >> 3 & 0xfu;
  const uint32_t mantissa = stored & 0x7u;
  if (exponent == 0xf && mantissa == 0x7) return std::numeric_limits<float>::quiet_NaN();
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 120) << 23 | mantissa << 20);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;  // exact
  return sign != 0 ? -magnitude : magnitude;
}

float e2m1_to_f32(uint8_t four_bits) noexcept {
  constexpr float kMagnitudes[] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  const float magnitude = kMagnitudes[four_bits & 7u];
  return (four_bits & 8u) != 0 ? -magnitude : magnitude;
}

float e8m0_to_f32(uint8_t exponent) noexcept {
  if (exponent == 0xff) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(exponent == 0 ? 0x00400000u : uint32_t{exponent} << 23);
}

}  // namespace rg
