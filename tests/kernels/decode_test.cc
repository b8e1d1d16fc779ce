// The vectorised decoders against the scalar ones, bit by bit.
#include "kernels/decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "tensor/encoding.h"

namespace rg::kernels {
namespace {

std::vector<uint8_t> random_bytes(size_t count, uint64_t seed) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<uint8_t>(
        draw_below(256, seed, Purpose::audit, {static_cast<uint32_t>(i), 0, 0}));
  }
  return bytes;
}

bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

TEST(DecodeF8, EveryByteAndEveryLengthAndScale) {
  std::vector<uint8_t> all(256);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  for (const float scale : {1.0f, 0.37f, 1e-38f, 3e38f, 1e-45f, -2.0f, 0.0f}) {
    for (const size_t n : {size_t{0}, size_t{1}, size_t{7}, size_t{17}, size_t{255}, size_t{256}}) {
      std::vector<float> out(n);
      decode_f8_e4m3(all.data() + (256 - n), n, scale, out.data());
      for (size_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same_bits(out[i], f8_e4m3_to_f32(all[256 - n + i]) * scale)) << i << ' ' << n;
      }
    }
  }
}

TEST(DecodeMxfp4, AMillionRandomAndExtremeBlocks) {
  constexpr size_t kBlocks = 4096;
  std::vector<float> out(kBlocks * kMxBlockValues);
  for (uint32_t round = 0; round < 256; ++round) {  // each with one scale: every byte occurs
    const std::vector<uint8_t> values = random_bytes(kMxBlockBytes * 64, round);
    std::vector<uint8_t> packed(kBlocks * kMxBlockBytes);
    for (size_t i = 0; i < packed.size(); ++i) {
      packed[i] = static_cast<uint8_t>(values[i % values.size()] + i / values.size());
    }
    const std::vector<uint8_t> scales(kBlocks, static_cast<uint8_t>(round));
    decode_mxfp4(packed.data(), scales.data(), kBlocks, out.data());
    const float scale = e8m0_to_f32(static_cast<uint8_t>(round));
    size_t different = 0;
    for (size_t i = 0; i < packed.size(); ++i) {
      const auto high = static_cast<uint8_t>(packed[i] >> 4);
      if (!same_bits(out[2 * i], e2m1_to_f32(packed[i] & 0xf) * scale)) ++different;
      if (!same_bits(out[2 * i + 1], e2m1_to_f32(high) * scale)) ++different;
    }
    ASSERT_EQ(different, 0u) << round;
  }
}

TEST(DecodeMxfp4, EveryBlockHasItsOwnScale) {
  constexpr size_t kBlocks = 256;
  const std::vector<uint8_t> packed = random_bytes(kBlocks * kMxBlockBytes, 1);
  std::vector<uint8_t> scales(kBlocks);
  for (size_t b = 0; b < kBlocks; ++b) scales[b] = static_cast<uint8_t>(b);
  std::vector<float> out(kBlocks * kMxBlockValues);
  decode_mxfp4(packed.data(), scales.data(), kBlocks, out.data());
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t byte = packed[i / 2];
    const auto stored = static_cast<uint8_t>(i % 2 == 0 ? byte & 0xf : byte >> 4);
    const float expected = e2m1_to_f32(stored) * e8m0_to_f32(scales[i / kMxBlockValues]);
    ASSERT_TRUE(same_bits(out[i], expected)) << i;
  }
}

// Published values (OCP OFP8; the sums are of bytes (37 i + 11) mod 256).
TEST(Encoding, KnownValues) {
  EXPECT_EQ(f8_e4m3_to_f32(0x01), 0.001953125f);
  EXPECT_EQ(f8_e4m3_to_f32(0x07), 0.013671875f);
  EXPECT_EQ(f8_e4m3_to_f32(0x08), 0.015625f);
  EXPECT_EQ(f8_e4m3_to_f32(0x38), 1.0f);
  EXPECT_EQ(f8_e4m3_to_f32(0x39), 1.125f);
  EXPECT_EQ(f8_e4m3_to_f32(0x7e), 448.0f);
  EXPECT_EQ(f8_e4m3_to_f32(0xb8), -1.0f);
  EXPECT_TRUE(std::isnan(f8_e4m3_to_f32(0x7f)) && std::isnan(f8_e4m3_to_f32(0xff)));
  std::vector<uint8_t> payload(16);
  for (size_t i = 0; i < 16; ++i) payload[i] = static_cast<uint8_t>(37 * i + 11);
  const uint8_t scale = 125;
  std::vector<float> out(32);
  decode_mxfp4(payload.data(), &scale, 1, out.data());
  const std::vector<float> first(out.begin(), out.begin() + 6);
  EXPECT_EQ(first, (std::vector<float>{-0.375f, 0, 0, 0.375f, 0.75f, 0.75f}));
  double sum = 0;
  for (const float value : out) sum += value;
  EXPECT_EQ(sum, 2.375);
  EXPECT_EQ(e8m0_to_f32(0), std::ldexp(1.0f, -127));
}

}  // namespace
}  // namespace rg::kernels
