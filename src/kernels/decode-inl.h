// Bodies of kernels/decode.h, compiled once per target. Included by decode.cc only.
#if defined(RG_KERNELS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RG_KERNELS_DECODE_INL_H_
#undef RG_KERNELS_DECODE_INL_H_
#else
#define RG_KERNELS_DECODE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "tensor/encoding.h"

HWY_BEFORE_NAMESPACE();
namespace rg::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Through binary16: its exponent is wide enough and the same bits, shifted, are the value / 256,
// subnormal ones included.
void DecodeF8E4M3(const uint8_t* in, size_t n, float scale, float* out) {
  const hn::ScalableTag<float> wide;
  const hn::Rebind<uint8_t, decltype(wide)> bytes;
  const hn::Rebind<uint16_t, decltype(wide)> words;
  const hn::Rebind<hwy::float16_t, decltype(wide)> halves;
  const hn::RebindToUnsigned<decltype(wide)> bits;
  const size_t lanes = hn::Lanes(wide);
  const auto up = hn::Set(wide, 256.0f);
  const auto factor = hn::Set(wide, scale);
  const auto nan = hn::BitCast(wide, hn::Set(bits, 0x7fc00000u));
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto stored = hn::PromoteTo(words, hn::LoadU(bytes, in + i));
    const auto rest = hn::And(stored, hn::Set(words, uint16_t{0x7f}));
    const auto sign = hn::ShiftLeft<8>(hn::And(stored, hn::Set(words, uint16_t{0x80})));
    const auto half = hn::BitCast(halves, hn::Or(sign, hn::ShiftLeft<7>(rest)));
    const auto value = hn::Mul(hn::PromoteTo(wide, half), up);
    const auto is_nan = hn::Eq(hn::PromoteTo(bits, rest), hn::Set(bits, 0x7fu));
    const auto decoded = hn::IfThenElse(hn::RebindMask(wide, is_nan), nan, value);
    hn::StoreU(hn::Mul(decoded, factor), wide, out + i);
  }
  for (; i < n; ++i) out[i] = f8_e4m3_to_f32(in[i]) * scale;
}

#if HWY_TARGET == HWY_SCALAR

void DecodeMxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks, float* out) {
  for (size_t i = 0; i < blocks * kMxBlockBytes; ++i) {
    const float scale = e8m0_to_f32(scales[i / kMxBlockBytes]);
    out[2 * i] = e2m1_to_f32(values[i] & 0xf) * scale;
    out[2 * i + 1] = e2m1_to_f32(static_cast<uint8_t>(values[i] >> 4)) * scale;
  }
}

#else

// The upper bytes of the sixteen E2M1 values as bfloat16; the lower bytes are zero but for 1, 1.5,
// 3, 6 and their negatives.
HWY_ALIGN constexpr uint8_t kUpper[16] = {0x00, 0x3f, 0x3f, 0x3f, 0x40, 0x40, 0x40, 0x40,
                                          0x80, 0xbf, 0xbf, 0xbf, 0xc0, 0xc0, 0xc0, 0xc0};
HWY_ALIGN constexpr uint8_t kLower[16] = {0x00, 0x00, 0x80, 0xc0, 0x00, 0x40, 0x80, 0xc0,
                                          0x00, 0x00, 0x80, 0xc0, 0x00, 0x40, 0x80, 0xc0};

void DecodeMxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks, float* out) {
  const hn::FixedTag<uint8_t, 16> bytes;
  const hn::FixedTag<uint16_t, 8> words;
  const hn::CappedTag<float, 8> wide;
  const hn::RebindToUnsigned<decltype(wide)> bits;
  const hn::Rebind<uint16_t, decltype(wide)> part;
  const size_t lanes = hn::Lanes(wide);
  const auto upper = hn::Load(bytes, kUpper), lower = hn::Load(bytes, kLower);
  HWY_ALIGN uint16_t brain[kMxBlockValues];
  for (size_t b = 0; b < blocks; ++b) {
    const auto packed = hn::LoadU(bytes, values + b * kMxBlockBytes);
    const auto even = hn::And(packed, hn::Set(bytes, uint8_t{0x0f}));
    const auto odd = hn::ShiftRight<4>(packed);
    const auto even_upper = hn::TableLookupBytes(upper, even);
    const auto even_lower = hn::TableLookupBytes(lower, even);
    const auto odd_upper = hn::TableLookupBytes(upper, odd);
    const auto odd_lower = hn::TableLookupBytes(lower, odd);
    const auto even0 = hn::BitCast(words, hn::InterleaveLower(bytes, even_lower, even_upper));
    const auto even1 = hn::BitCast(words, hn::InterleaveUpper(bytes, even_lower, even_upper));
    const auto odd0 = hn::BitCast(words, hn::InterleaveLower(bytes, odd_lower, odd_upper));
    const auto odd1 = hn::BitCast(words, hn::InterleaveUpper(bytes, odd_lower, odd_upper));
    hn::Store(hn::InterleaveLower(words, even0, odd0), words, brain);
    hn::Store(hn::InterleaveUpper(words, even0, odd0), words, brain + 8);
    hn::Store(hn::InterleaveLower(words, even1, odd1), words, brain + 16);
    hn::Store(hn::InterleaveUpper(words, even1, odd1), words, brain + 24);
    const auto scale = hn::Set(wide, e8m0_to_f32(scales[b]));
    for (size_t i = 0; i < kMxBlockValues; i += lanes) {
      const auto value = hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::Load(part, brain + i)));
      hn::StoreU(hn::Mul(hn::BitCast(wide, value), scale), wide, out + b * kMxBlockValues + i);
    }
  }
}

#endif  // HWY_SCALAR

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
