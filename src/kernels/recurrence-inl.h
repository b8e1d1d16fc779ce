// Body of kernels/recurrence.h, compiled once per target. Included by recurrence.cc only.
#if defined(RG_KERNELS_RECURRENCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RG_KERNELS_RECURRENCE_INL_H_
#undef RG_KERNELS_RECURRENCE_INL_H_
#else
#define RG_KERNELS_RECURRENCE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "kernels/recurrence.h"

HWY_BEFORE_NAMESPACE();
namespace rg::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Columns of the state don't depend on each other: two registers of them at a time go through all
// tokens, so that their part of the state stays in the first cache.
using StateTag = hn::CappedTag<float, 16>;
using StateVec = hn::Vec<StateTag>;
constexpr StateTag kState;
constexpr size_t kStateLanes = hn::MaxLanes(StateTag());
constexpr size_t kStateColumns = 2 * kStateLanes;

struct StateRow {
  StateVec low, high;
};

HWY_INLINE StateRow LoadState(const float* from) {
  return {hn::LoadU(kState, from), hn::LoadU(kState, from + kStateLanes)};
}
HWY_INLINE void StoreState(const StateRow& row, float* to) {
  hn::StoreU(row.low, kState, to);
  hn::StoreU(row.high, kState, to + kStateLanes);
}
HWY_INLINE StateRow Times(float factor, const StateRow& row) {
  const StateVec all = hn::Set(kState, factor);
  return {hn::Mul(all, row.low), hn::Mul(all, row.high)};
}
HWY_INLINE StateRow Plus(const StateRow& x, const StateRow& y) {
  return {hn::Add(x.low, y.low), hn::Add(x.high, y.high)};
}
HWY_INLINE StateRow Minus(const StateRow& x, const StateRow& y) {
  return {hn::Sub(x.low, y.low), hn::Sub(x.high, y.high)};
}

// One token of kStateColumns columns; value, out (kStateColumns). `state` lacks what the token
// before adds, key_before delta^T: one walk adds it, decays the state and reads it for the key and
// the query. What this token adds changes its own output by (key . query) delta.
template <bool kPerKey>
HWY_INLINE StateRow Token(const Recurrence& of, size_t t, const float* overlap, const float* value,
                          const StateRow& delta_before, float* state, float* out) {
  const float* key = of.key + t * of.key_stride;
  const float* key_before = t == 0 ? key : key - of.key_stride;
  const float* query = of.query + t * of.key_stride;
  const float* decay = of.decay + t * (kPerKey ? of.keys : 1);
  const StateVec zero = hn::Zero(kState);
  StateRow seen = {zero, zero}, read = {zero, zero};
  for (size_t i = 0; i < of.keys; ++i) {
    StateRow row = LoadState(state + i * kStateColumns);
    row = Times(decay[kPerKey ? i : 0], Plus(row, Times(key_before[i], delta_before)));
    StoreState(row, state + i * kStateColumns);
    seen = Plus(seen, Times(key[i], row));
    read = Plus(read, Times(query[i], row));
  }
  StateRow delta = LoadState(value);
  if (of.beta != nullptr) delta = Times(of.beta[t], Minus(delta, seen));
  StoreState(Plus(read, Times(overlap[t], delta)), out);
  return delta;
}

template <bool kPerKey>
HWY_INLINE void Columns(const Recurrence& of, size_t first, const float* overlap, float* state) {
  std::fill_n(state, of.keys * kStateColumns, 0.0f);
  const size_t count = std::min(kStateColumns, of.values - first);
  StateRow delta = {hn::Zero(kState), hn::Zero(kState)};
  for (size_t t = 0; t < of.tokens; ++t) {
    const float* value = of.value + t * of.value_stride + first;
    float* out = of.out + t * of.value_stride + first;
    if (count == kStateColumns) {
      delta = Token<kPerKey>(of, t, overlap, value, delta, state, out);
      continue;
    }
    float padded[kStateColumns] = {};
    std::copy_n(value, count, padded);
    delta = Token<kPerKey>(of, t, overlap, padded, delta, state, padded);
    std::copy_n(padded, count, out);
  }
}

// overlap (tokens): key . query.
void RunRecurrence(const Recurrence& of, const float* overlap, float* state) {
  for (size_t first = 0; first < of.values; first += kStateColumns) {
    of.decay_per_key ? Columns<true>(of, first, overlap, state)
                     : Columns<false>(of, first, overlap, state);
  }
}

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
