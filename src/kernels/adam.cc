// Compiled once per instruction set, as elementwise.cc.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/adam-inl.h"

#if HWY_ONCE
namespace rg::kernels {

HWY_EXPORT(AdamStep);

void adam_step(const AdamRates& rates, const float* gradient, size_t n, float* mean, float* square,
               float* value) noexcept {
  HWY_DYNAMIC_DISPATCH(AdamStep)(rates, gradient, n, mean, square, value);
}

}  // namespace rg::kernels
#endif  // HWY_ONCE
