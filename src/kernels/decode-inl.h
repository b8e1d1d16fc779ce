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

#if HWY_TARGET <= HWY_AVX2

HWY_ALIGN constexpr float kMagnitudes[16] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f,
                                             0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};

// The eight magnitudes, times the block's scale, are one register; each value is looked up there
// and gets its sign, but for the scale that is NaN: a product with it isn't negative.
void DecodeMxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks, float* out) {
  const hn::FixedTag<uint8_t, 16> bytes;
  const hn::CappedTag<float, 16> wide;
  const hn::RebindToUnsigned<decltype(wide)> bits;
  const hn::Rebind<uint8_t, decltype(wide)> part;
  const size_t lanes = hn::Lanes(wide);
  const auto magnitudes = hn::Load(wide, kMagnitudes);
  HWY_ALIGN uint8_t halves[kMxBlockValues];
  for (size_t b = 0; b < blocks; ++b) {
    const auto packed = hn::LoadU(bytes, values + b * kMxBlockBytes);
    const auto even = hn::And(packed, hn::Set(bytes, uint8_t{0x0f}));
    const auto odd = hn::ShiftRight<4>(packed);
    hn::Store(hn::InterleaveLower(bytes, even, odd), bytes, halves);
    hn::Store(hn::InterleaveUpper(bytes, even, odd), bytes, halves + kMxBlockBytes);
    const auto table = hn::Mul(magnitudes, hn::Set(wide, e8m0_to_f32(scales[b])));
    const auto sign_bit = hn::Set(bits, scales[b] == 0xff ? 0u : 0x80000000u);
    for (size_t i = 0; i < kMxBlockValues; i += lanes) {
      const auto stored = hn::PromoteTo(bits, hn::Load(part, halves + i));
      const auto index = hn::IndicesFromVec(wide, hn::And(stored, hn::Set(bits, 7u)));
      const auto sign = hn::And(hn::ShiftLeft<28>(stored), sign_bit);
      const auto value = hn::Or(hn::TableLookupLanes(table, index), hn::BitCast(wide, sign));
      hn::StoreU(value, wide, out + b * kMxBlockValues + i);
    }
  }
}

#else  // no lookup in eight lanes

void DecodeMxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks, float* out) {
  for (size_t i = 0; i < blocks * kMxBlockBytes; ++i) {
    const float scale = e8m0_to_f32(scales[i / kMxBlockBytes]);
    out[2 * i] = e2m1_to_f32(values[i] & 0xf) * scale;
    out[2 * i + 1] = e2m1_to_f32(static_cast<uint8_t>(values[i] >> 4)) * scale;
  }
}

#endif  // HWY_AVX2

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
