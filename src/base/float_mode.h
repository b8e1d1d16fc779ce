// Checks that this thread keeps denormals. A library built with -ffast-math sets FTZ and DAZ (flush
// to zero, denormals are zero) for the whole process when it is loaded; results would then differ
// silently in their last bits.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "base/error.h"

namespace rg {

inline bool keeps_denormals() noexcept {
#if defined(__SSE__)
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  return (_mm_getcsr() & (kFlushToZero | kDenormalsAreZero)) == 0;
#else
  return true;
#endif
}

// RT070 otherwise. Called once per thread and parallel region, never per item.
inline void check_float_mode() {
  check_internal(keeps_denormals(), "denormals are kept (FTZ and DAZ are off)");
}

}  // namespace rg
