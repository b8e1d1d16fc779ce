// Compiled once per instruction set, as elementwise.cc.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrence.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/recurrence-inl.h"

#if HWY_ONCE
#include "kernels/elementwise.h"
#include "kernels/recurrence.h"

namespace rg::kernels {

HWY_EXPORT(RunRecurrence);

size_t recurrence_scratch(size_t tokens, size_t keys) {
  constexpr size_t kMostColumns = 2 * 16;  // of any target
  return keys * kMostColumns + tokens;
}

void run_recurrence(const Recurrence& of, float* scratch) noexcept {
  float* overlap = scratch + recurrence_scratch(0, of.keys);
  for (size_t t = 0; t < of.tokens; ++t) {
    const size_t at = t * of.key_stride;
    overlap[t] = static_cast<float>(dot(of.key + at, of.query + at, of.keys));
  }
  HWY_DYNAMIC_DISPATCH(RunRecurrence)(of, overlap, scratch);
}

}  // namespace rg::kernels
#endif  // HWY_ONCE
