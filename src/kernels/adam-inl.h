// Body of kernels/adam.h, compiled once per target. Included by adam.cc only.
#if defined(RG_KERNELS_ADAM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RG_KERNELS_ADAM_INL_H_
#undef RG_KERNELS_ADAM_INL_H_
#else
#define RG_KERNELS_ADAM_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstddef>

#include "kernels/adam.h"

HWY_BEFORE_NAMESPACE();
namespace rg::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using AdamTag = hn::CappedTag<float, 16>;
constexpr AdamTag kAdam;
constexpr size_t kAdamLanes = hn::MaxLanes(AdamTag());

void AdamStep(const AdamRates& rates, const float* gradient, size_t n, float* mean, float* square,
              float* value) {
  const float mean_rest = 1 - rates.mean_decay, square_rest = 1 - rates.square_decay;
  const auto keep = hn::Set(kAdam, rates.mean_decay), take = hn::Set(kAdam, mean_rest);
  const auto keep2 = hn::Set(kAdam, rates.square_decay), take2 = hn::Set(kAdam, square_rest);
  const auto step = hn::Set(kAdam, rates.step), epsilon = hn::Set(kAdam, rates.epsilon);
  size_t i = 0;
  for (; i + kAdamLanes <= n; i += kAdamLanes) {
    const auto g = hn::LoadU(kAdam, gradient + i);
    const auto m = hn::Add(hn::Mul(keep, hn::LoadU(kAdam, mean + i)), hn::Mul(take, g));
    const auto v =
        hn::Add(hn::Mul(keep2, hn::LoadU(kAdam, square + i)), hn::Mul(take2, hn::Mul(g, g)));
    hn::StoreU(m, kAdam, mean + i);
    hn::StoreU(v, kAdam, square + i);
    const auto move = hn::Div(hn::Mul(step, m), hn::Add(hn::Sqrt(v), epsilon));
    hn::StoreU(hn::Sub(hn::LoadU(kAdam, value + i), move), kAdam, value + i);
  }
  for (; i < n; ++i) {
    const float g = gradient[i];
    mean[i] = rates.mean_decay * mean[i] + mean_rest * g;
    square[i] = rates.square_decay * square[i] + square_rest * (g * g);
    value[i] -= rates.step * mean[i] / (std::sqrt(square[i]) + rates.epsilon);
  }
}

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // RG_KERNELS_ADAM_INL_H_
