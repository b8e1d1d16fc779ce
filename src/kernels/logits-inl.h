// Bodies of kernels/logits.h, compiled once per target. Included by logits.cc only.
#if defined(RG_KERNELS_LOGITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RG_KERNELS_LOGITS_INL_H_
#undef RG_KERNELS_LOGITS_INL_H_
#else
#define RG_KERNELS_LOGITS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstddef>

#include "kernels/logits.h"

HWY_BEFORE_NAMESPACE();
namespace rg::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 8 virtual lanes for any register width.
constexpr size_t kLogitLanes = 8;
using LogitTag = hn::CappedTag<double, kLogitLanes>;
using StoredLogitTag = hn::Rebind<float, LogitTag>;
using LogitVec = hn::Vec<LogitTag>;
constexpr LogitTag kLogit;
constexpr StoredLogitTag kStoredLogit;
constexpr size_t kLogitWidth = hn::MaxLanes(LogitTag());
constexpr size_t kLogitRegisters = kLogitLanes / kLogitWidth;

struct LogitGroup {
  LogitVec part[kLogitRegisters];
};

HWY_INLINE LogitGroup EveryLane(double value) {
  LogitGroup group;
  for (LogitVec& part : group.part) part = hn::Set(kLogit, value);
  return group;
}

// Lanes folded 4, 2, 1 apart.
template <typename Fold>
HWY_INLINE double FoldGroup(const LogitGroup& group, Fold fold) {
  HWY_ALIGN double flat[kLogitLanes];
  for (size_t r = 0; r < kLogitRegisters; ++r) {
    hn::Store(group.part[r], kLogit, flat + r * kLogitWidth);
  }
  for (size_t apart = kLogitLanes / 2; apart != 0; apart /= 2) {
    for (size_t i = 0; i < apart; ++i) flat[i] = fold(flat[i], flat[i + apart]);
  }
  return flat[0];
}

HWY_INLINE double SumOfGroup(const LogitGroup& group) {
  return FoldGroup(group, [](double a, double b) { return a + b; });
}

// Calls body(register of the group, x, y) for groups of 8 logits of two rows; the last group is
// filled up with -inf, which has no weight.
template <typename Body>
HWY_INLINE void ForEachLogit(const float* x, const float* y, size_t n, Body body) {
  const auto load = [](const float* at)
                        HWY_ATTR { return hn::PromoteTo(kLogit, hn::LoadU(kStoredLogit, at)); };
  size_t i = 0;
  for (; i + kLogitLanes <= n; i += kLogitLanes) {
    for (size_t r = 0; r < kLogitRegisters; ++r) {
      body(r, load(x + i + r * kLogitWidth), load(y + i + r * kLogitWidth));
    }
  }
  if (i == n) return;
  HWY_ALIGN float last_x[kLogitLanes];
  HWY_ALIGN float last_y[kLogitLanes];
  for (size_t k = 0; k < kLogitLanes; ++k) {
    last_x[k] = i + k < n ? x[i + k] : -INFINITY;
    last_y[k] = i + k < n ? y[i + k] : -INFINITY;
  }
  for (size_t r = 0; r < kLogitRegisters; ++r) {
    body(r, load(last_x + r * kLogitWidth), load(last_y + r * kLogitWidth));
  }
}

HWY_INLINE double PeakOf(const float* x, size_t n) {
  LogitGroup top = EveryLane(-INFINITY);
  ForEachLogit(x, x, n, [&](size_t r, LogitVec v, LogitVec) HWY_ATTR {
    top.part[r] = hn::Max(top.part[r], v);
  });
  return FoldGroup(top, [](double a, double b) { return a > b ? a : b; });
}

// exp(x) of x <= 0, also of -inf; a NaN stays one.
HWY_INLINE LogitVec ExpOfLogit(LogitVec x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(kLogit, x));
}

// weight * value, and 0 where the weight is 0, whatever the value.
HWY_INLINE LogitVec Weighted(LogitVec weight, LogitVec value) {
  return hn::IfThenZeroElse(hn::Eq(weight, hn::Zero(kLogit)), hn::Mul(weight, value));
}

// Highway's Log makes a number of a NaN.
HWY_INLINE double LogOf(double x) {
  if (std::isnan(x)) return x;
  const hn::CappedTag<double, 1> one;
  return hn::GetLane(hn::Log(one, hn::Set(one, x)));
}

HWY_INLINE double NotBelowZero(double x) { return x < 0 ? 0.0 : x; }

LogitFacts FactsOfLogits(const float* logits, size_t n) {
  const double peak = PeakOf(logits, n);
  const auto shift = hn::Set(kLogit, peak);
  LogitGroup total = EveryLane(0), first = total, second = total, squares = total;
  ForEachLogit(logits, logits, n, [&](size_t r, LogitVec x, LogitVec) HWY_ATTR {
    const auto below = hn::Sub(x, shift);
    const auto weight = ExpOfLogit(below);
    const auto moment = Weighted(weight, below);
    total.part[r] = hn::Add(total.part[r], weight);
    first.part[r] = hn::Add(first.part[r], moment);
    second.part[r] = hn::Add(second.part[r], Weighted(weight, hn::Mul(below, below)));
    squares.part[r] = hn::Add(squares.part[r], hn::Mul(weight, weight));
  });
  // With d = x - peak: ln p = d - ln total, so both entropies and the variance follow from d's.
  const double sum = SumOfGroup(total);
  const double log_sum = LogOf(sum);
  const double mean = SumOfGroup(first) / sum;
  return {.log_total = peak + log_sum,
          .entropy = log_sum - mean,
          .varentropy = NotBelowZero(SumOfGroup(second) / sum - mean * mean),
          .collision_entropy = NotBelowZero(2 * log_sum - LogOf(SumOfGroup(squares)))};
}

double KlDivergence(const float* logits, const float* reference, size_t n) {
  const auto shift = hn::Set(kLogit, PeakOf(logits, n));
  const auto shift_reference = hn::Set(kLogit, PeakOf(reference, n));
  LogitGroup total = EveryLane(0), total_reference = total, gaps = total;
  ForEachLogit(logits, reference, n, [&](size_t r, LogitVec x, LogitVec y) HWY_ATTR {
    const auto below = hn::Sub(x, shift);
    const auto below_reference = hn::Sub(y, shift_reference);
    const auto weight = ExpOfLogit(below);
    total.part[r] = hn::Add(total.part[r], weight);
    total_reference.part[r] = hn::Add(total_reference.part[r], ExpOfLogit(below_reference));
    gaps.part[r] = hn::Add(gaps.part[r], Weighted(weight, hn::Sub(below, below_reference)));
  });
  const double sum = SumOfGroup(total);
  return SumOfGroup(gaps) / sum - LogOf(sum) + LogOf(SumOfGroup(total_reference));
}

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
