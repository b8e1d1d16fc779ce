// Compiled once per instruction set, as elementwise.cc.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/decode.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/decode-inl.h"

#if HWY_ONCE
#include "kernels/decode.h"

namespace rg::kernels {

HWY_EXPORT(DecodeF8E4M3);
HWY_EXPORT(DecodeMxfp4);

void decode_f8_e4m3(const uint8_t* in, size_t n, float scale, float* out) noexcept {
  HWY_DYNAMIC_DISPATCH(DecodeF8E4M3)(in, n, scale, out);
}

void decode_mxfp4(const uint8_t* values, const uint8_t* scales, size_t blocks,
                  float* out) noexcept {
  HWY_DYNAMIC_DISPATCH(DecodeMxfp4)(values, scales, blocks, out);
}

}  // namespace rg::kernels
#endif  // HWY_ONCE
