#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace rg {
namespace {

// A binary float of this layout, by the definition of IEEE 754, in double (exact for both types).
double plain_value(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const uint32_t top = (1u << exponent_bits) - 1;
  const uint32_t exponent = bits >> mantissa_bits & top;
  const double sign = (bits >> (exponent_bits + mantissa_bits) & 1u) != 0 ? -1 : 1;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double fraction = std::ldexp(static_cast<double>(mantissa), -mantissa_bits);
  if (exponent == top) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias);
  return sign * std::ldexp(1 + fraction, static_cast<int>(exponent) - bias);
}

void expect_same(float found, double expected, uint32_t bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(found)) << bits;
  } else {
    ASSERT_EQ(static_cast<double>(found), expected) << bits;
    ASSERT_EQ(std::signbit(found), std::signbit(expected)) << bits;
  }
}

TEST(DType, EveryHalfConverts) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    expect_same(f16_to_f32(static_cast<uint16_t>(bits)), plain_value(bits, 5, 10), bits);
  }
}

TEST(DType, EveryBfloatConvertsAndComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto stored = static_cast<bf16_t>(bits);
    const float value = bf16_to_f32(stored);
    expect_same(value, plain_value(bits, 8, 7), bits);
    if (std::isnan(value)) continue;
    ASSERT_EQ(f32_to_bf16(value), stored);
  }
}

// Between every two neighbours: below, at and above the middle.
TEST(DType, BfloatRoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f80; ++bits) {  // positive finite; the sign only copies
    const uint32_t low = bits << 16;
    for (const uint32_t sign : {0u, 0x80000000u}) {
      const auto rounded = [&](uint32_t rest) {
        return uint32_t{f32_to_bf16(std::bit_cast<float>(sign | low | rest))};
      };
      const uint32_t down = sign >> 16 | bits;
      ASSERT_EQ(rounded(0), down);
      ASSERT_EQ(rounded(1), down);
      ASSERT_EQ(rounded(0x7fff), down);
      ASSERT_EQ(rounded(0x8000), bits % 2 == 0 ? down : down + 1);
      ASSERT_EQ(rounded(0x8001), down + 1);
      ASSERT_EQ(rounded(0xffff), down + 1);
    }
  }
}

TEST(DType, BfloatKeepsNanAndInfinity) {
  for (const uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
    EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(bits))))) << bits;
  }
  EXPECT_EQ(bf16_to_f32(f32_to_bf16(HUGE_VALF)), HUGE_VALF);
  EXPECT_EQ(bf16_to_f32(f32_to_bf16(-HUGE_VALF)), -HUGE_VALF);
  EXPECT_EQ(bf16_to_f32(f32_to_bf16(std::numeric_limits<float>::max())), HUGE_VALF);
}

TEST(DType, BulkConversionTakesAnyAlignment) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::f8_e4m3, DType::u8}) {
    constexpr size_t kCount = 17;
    const size_t width = dtype_bytes(dtype);
    std::vector<std::byte> bytes(kCount * width + 3);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 & 0x3f);
    for (size_t shift = 0; shift < 3; ++shift) {
      std::vector<float> out(kCount);
      convert_to_f32(dtype, bytes.data() + shift, kCount, out.data());
      for (size_t i = 0; i < kCount; ++i) {
        uint32_t bits = 0;
        std::memcpy(&bits, bytes.data() + shift + i * width, width);
        const double expected = dtype == DType::f32       ? plain_value(bits, 8, 23)
                                : dtype == DType::bf16    ? plain_value(bits, 8, 7)
                                : dtype == DType::f16     ? plain_value(bits, 5, 10)
                                : dtype == DType::f8_e4m3 ? plain_value(bits, 4, 3)
                                                          : bits;
        expect_same(out[i], expected, bits);
      }
    }
  }
}

TEST(DType, NamesAreTheFormats) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::f8_e4m3, DType::u8}) {
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
  }
  EXPECT_EQ(dtype_bytes(DType::f32), 4u);
  EXPECT_EQ(dtype_bytes(DType::bf16), 2u);
  EXPECT_EQ(dtype_bytes(DType::f16), 2u);
  EXPECT_EQ(dtype_bytes(DType::f8_e4m3), 1u);
  EXPECT_EQ(dtype_bytes(DType::u8), 1u);
  for (const char* other : {"", "f32", "F64", "F8_E5M2", "BF16 ", "I32"}) {
    EXPECT_FALSE(dtype_from_name(other)) << other;
  }
}

}  // namespace
}  // namespace rg
