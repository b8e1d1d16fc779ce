// Compiled once per instruction set, as elementwise.cc.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/logits.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/logits-inl.h"

#if HWY_ONCE
#include <limits>

#include "base/error.h"

namespace rg::kernels {

HWY_EXPORT(FactsOfLogits);
HWY_EXPORT(KlDivergence);

LogitFacts logit_facts(const float* logits, size_t n) noexcept {
  return HWY_DYNAMIC_DISPATCH(FactsOfLogits)(logits, n);
}

double kl_divergence(const float* logits, const float* reference, size_t n) {
  constexpr double kMostRounding = 1e-12;
  const double divergence = HWY_DYNAMIC_DISPATCH(KlDivergence)(logits, reference, n);
  check_internal(!(divergence <= -kMostRounding), "a divergence is not negative");
  return divergence < 0 ? 0.0 : divergence;
}

size_t most_probable(const float* logits, size_t n) noexcept {
  size_t best = 0;
  float highest = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < n; ++i) {
    if (!(logits[i] > highest)) continue;
    highest = logits[i];
    best = i;
  }
  return best;
}

}  // namespace rg::kernels
#endif  // HWY_ONCE
