// Bodies of kernels/elementwise.h, compiled once per target. Included by elementwise.cc only.
#if defined(RG_KERNELS_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RG_KERNELS_ELEMENTWISE_INL_H_
#undef RG_KERNELS_ELEMENTWISE_INL_H_
#else
#define RG_KERNELS_ELEMENTWISE_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace rg::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 16 virtual lanes for any register width: 16/Lanes(d) registers.
constexpr size_t kVirtualLanes = 16;
using F32 = hn::CappedTag<float, kVirtualLanes>;
using U32 = hn::RebindToUnsigned<F32>;
using VecF = hn::Vec<F32>;
constexpr F32 kF32;
constexpr U32 kU32;
constexpr size_t kRegisters = kVirtualLanes / hn::MaxLanes(F32());
constexpr size_t kLanes = hn::MaxLanes(F32());

struct Lanes16 {
  VecF part[kRegisters];
};

HWY_INLINE Lanes16 AllLanes(float value) {
  Lanes16 all;
  for (size_t r = 0; r < kRegisters; ++r) all.part[r] = hn::Set(kF32, value);
  return all;
}

// Lanes 0..15 folded 8, 4, 2, 1 apart.
template <typename Fold>
HWY_INLINE float FoldLanes(const Lanes16& lanes, Fold fold) {
  HWY_ALIGN float flat[kVirtualLanes];
  for (size_t r = 0; r < kRegisters; ++r) hn::Store(lanes.part[r], kF32, flat + r * kLanes);
  for (size_t apart = kVirtualLanes / 2; apart != 0; apart /= 2) {
    for (size_t i = 0; i < apart; ++i) flat[i] = fold(flat[i], flat[i + apart]);
  }
  return flat[0];
}

// Calls body(register r of the group, vector) for groups of 16; the last group is filled up with
// `fill`. `load` may read n floats at p.
template <typename Body>
HWY_INLINE void ForEach16(const float* p, size_t n, float fill, Body body) {
  size_t i = 0;
  for (; i + kVirtualLanes <= n; i += kVirtualLanes) {
    for (size_t r = 0; r < kRegisters; ++r) body(r, hn::LoadU(kF32, p + i + r * kLanes));
  }
  if (i == n) return;
  HWY_ALIGN float last[kVirtualLanes];
  for (size_t k = 0; k < kVirtualLanes; ++k) last[k] = i + k < n ? p[i + k] : fill;
  for (size_t r = 0; r < kRegisters; ++r) body(r, hn::Load(kF32, last + r * kLanes));
}

// out[i] = f(vectors of the inputs at i): whole vectors, then the rest through a padded copy.
template <typename F>
HWY_INLINE void Map1(const float* x, size_t n, float* out, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(f(hn::LoadU(kF32, x + i)), kF32, out + i);
  if (i == n) return;
  HWY_ALIGN float padded[kLanes] = {};
  for (size_t k = 0; i + k < n; ++k) padded[k] = x[i + k];
  hn::Store(f(hn::Load(kF32, padded)), kF32, padded);
  for (size_t k = 0; i + k < n; ++k) out[i + k] = padded[k];
}

template <typename F>
HWY_INLINE void Map2(const float* x, const float* y, size_t n, float* out, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(f(hn::LoadU(kF32, x + i), hn::LoadU(kF32, y + i)), kF32, out + i);
  }
  if (i == n) return;
  HWY_ALIGN float padded_x[kLanes] = {};
  HWY_ALIGN float padded_y[kLanes] = {};
  for (size_t k = 0; i + k < n; ++k) padded_x[k] = x[i + k], padded_y[k] = y[i + k];
  hn::Store(f(hn::Load(kF32, padded_x), hn::Load(kF32, padded_y)), kF32, padded_x);
  for (size_t k = 0; i + k < n; ++k) out[i + k] = padded_x[k];
}

// Nearest, ties to even, in the upper half of each 32-bit lane's value shifted down.
HWY_INLINE hn::Vec<U32> Bf16Bits(VecF value) {
  const auto bits = hn::BitCast(kU32, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(kU32, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(kU32, 0x7fffu))));
  const auto quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(kU32, 0x40u));
  const auto magnitude = hn::And(bits, hn::Set(kU32, 0x7fffffffu));
  const auto is_nan = hn::Gt(magnitude, hn::Set(kU32, 0x7f800000u));
  return hn::IfThenElse(is_nan, quiet, rounded);
}

HWY_INLINE void StoreBf16(VecF value, uint16_t* out) {
  const hn::Rebind<uint16_t, U32> half;
  hn::StoreU(hn::TruncateTo(half, Bf16Bits(value)), half, out);
}

template <typename F>
HWY_INLINE void Map2ToBf16(const float* x, const float* y, size_t n, uint16_t* out, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    StoreBf16(f(hn::LoadU(kF32, x + i), hn::LoadU(kF32, y + i)), out + i);
  }
  if (i == n) return;
  HWY_ALIGN float padded_x[kLanes] = {};
  HWY_ALIGN float padded_y[kLanes] = {};
  HWY_ALIGN uint16_t narrow[kLanes];
  for (size_t k = 0; i + k < n; ++k) padded_x[k] = x[i + k], padded_y[k] = y[i + k];
  StoreBf16(f(hn::Load(kF32, padded_x), hn::Load(kF32, padded_y)), narrow);
  for (size_t k = 0; i + k < n; ++k) out[i + k] = narrow[k];
}

// Highway's Exp wants arguments up to 104 and gives 0 below about -104.
HWY_INLINE VecF ExpClamped(VecF x) {
  const auto low = hn::Set(kF32, -104.0f);
  const auto high = hn::Set(kF32, 88.0f);
  const auto inside = hn::Min(hn::Max(x, low), high);
  const auto value = hn::Exp(kF32, inside);
  return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenZeroElse(hn::Lt(x, low), value));
}

void Softmax(const float* in, size_t n, float* out) {
  Lanes16 top = AllLanes(-INFINITY);
  ForEach16(in, n, -INFINITY,
            [&](size_t r, VecF v) HWY_ATTR { top.part[r] = hn::Max(top.part[r], v); });
  const auto peak = hn::Set(kF32, FoldLanes(top, [](float a, float b) { return a > b ? a : b; }));
  Map1(in, n, out, [&](VecF v) HWY_ATTR { return ExpClamped(hn::Sub(v, peak)); });
  Lanes16 total = AllLanes(0.0f);
  ForEach16(out, n, 0.0f,
            [&](size_t r, VecF v) HWY_ATTR { total.part[r] = hn::Add(total.part[r], v); });
  const auto sum = hn::Set(kF32, FoldLanes(total, [](float a, float b) { return a + b; }));
  Map1(out, n, out, [&](VecF v) HWY_ATTR { return hn::Div(v, sum); });
}

HWY_INLINE VecF Logistic(VecF x) {
  const auto one = hn::Set(kF32, 1.0f);
  return hn::Div(one, hn::Add(one, ExpClamped(hn::Neg(x))));
}

void Sigmoid(const float* in, size_t n, float* out) {
  Map1(in, n, out, [](VecF v) HWY_ATTR { return Logistic(v); });
}

HWY_INLINE float InverseRms(const float* x, size_t n, float eps) {
  Lanes16 total = AllLanes(0.0f);
  ForEach16(x, n, 0.0f,
            [&](size_t r, VecF v) HWY_ATTR { total.part[r] = hn::MulAdd(v, v, total.part[r]); });
  const float sum = FoldLanes(total, [](float a, float b) { return a + b; });
  return 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
}

float RmsNormF32(const float* x, const float* gain, size_t n, float eps, float* out) {
  const float inverse = InverseRms(x, n, eps);
  const auto r = hn::Set(kF32, inverse);
  Map2(x, gain, n, out, [&](VecF v, VecF g) HWY_ATTR { return hn::Mul(g, hn::Mul(v, r)); });
  return inverse;
}

float RmsNormBf16(const float* x, const float* gain, size_t n, float eps, uint16_t* out) {
  const float inverse = InverseRms(x, n, eps);
  const auto r = hn::Set(kF32, inverse);
  Map2ToBf16(x, gain, n, out, [&](VecF v, VecF g) HWY_ATTR { return hn::Mul(g, hn::Mul(v, r)); });
  return inverse;
}

HWY_INLINE VecF Silu(VecF gate, VecF up) { return hn::Mul(hn::Mul(gate, Logistic(gate)), up); }

void SiluTimesF32(const float* gate, const float* up, size_t n, float* out) {
  Map2(gate, up, n, out, [](VecF g, VecF u) HWY_ATTR { return Silu(g, u); });
}

void SiluTimesBf16(const float* gate, const float* up, size_t n, uint16_t* out) {
  Map2ToBf16(gate, up, n, out, [](VecF g, VecF u) HWY_ATTR { return Silu(g, u); });
}

// x (1 + tanh(u)) / 2 = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
void GeluTanhTimes(const float* gate, const float* up, size_t n, float* out) {
  const auto cubic = hn::Set(kF32, 0.044715f);
  const auto twice = hn::Set(kF32, 1.5957691216057308f);
  Map2(gate, up, n, out, [&](VecF g, VecF u) HWY_ATTR {
    const auto cube = hn::Mul(hn::Mul(g, g), g);
    const auto inner = hn::Mul(twice, hn::Add(g, hn::Mul(cubic, cube)));
    return hn::Mul(hn::Mul(g, Logistic(inner)), u);
  });
}

void ReluSquared(const float* in, size_t n, float* out) {
  const auto zero = hn::Zero(kF32);
  Map1(in, n, out,
       [&](VecF v) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(v, zero), hn::Mul(v, v)); });
}

// c tanh(x / c) = c (2 sigmoid(2x / c) - 1)
void Softcap(float cap, size_t n, float* x) {
  const auto c = hn::Set(kF32, cap);
  const auto two = hn::Set(kF32, 2.0f);
  const auto one = hn::Set(kF32, 1.0f);
  Map1(x, n, x, [&](VecF v) HWY_ATTR {
    return hn::Mul(c, hn::Sub(hn::Mul(two, Logistic(hn::Mul(two, hn::Div(v, c)))), one));
  });
}

void ClampedSiluTimes(const float* gate, const float* up, size_t n, float alpha, float limit,
                      float* out) {
  const auto a = hn::Set(kF32, alpha);
  const auto high = hn::Set(kF32, limit);
  const auto low = hn::Set(kF32, -limit);
  const auto one = hn::Set(kF32, 1.0f);
  Map2(gate, up, n, out, [&](VecF g, VecF u) HWY_ATTR {
    g = hn::Min(g, high);
    u = hn::Min(hn::Max(u, low), high);
    return hn::Mul(hn::Mul(g, Logistic(hn::Mul(a, g))), hn::Add(u, one));
  });
}

// The mean in fp32 over 16 virtual lanes, as every sum here.
HWY_INLINE float Mean(const float* x, size_t n) {
  Lanes16 total = AllLanes(0.0f);
  ForEach16(x, n, 0.0f,
            [&](size_t r, VecF v) HWY_ATTR { total.part[r] = hn::Add(total.part[r], v); });
  return FoldLanes(total, [](float a, float b) { return a + b; }) / static_cast<float>(n);
}

void LayerNorm(const float* x, const float* gain, const float* bias, size_t n, float eps,
               float* out) {
  const auto mean = hn::Set(kF32, Mean(x, n));
  Map1(x, n, out, [&](VecF v) HWY_ATTR { return hn::Sub(v, mean); });
  const auto r = hn::Set(kF32, InverseRms(out, n, eps));
  Map2(out, gain, n, out, [&](VecF v, VecF g) HWY_ATTR { return hn::Mul(g, hn::Mul(v, r)); });
  Map2(out, bias, n, out, [](VecF v, VecF b) HWY_ATTR { return hn::Add(v, b); });
}

void RoundToBf16(const float* in, size_t n, uint16_t* out) {
  Map2ToBf16(in, in, n, out, [](VecF v, VecF) HWY_ATTR { return v; });
}

void Widen(const uint16_t* in, size_t n, float* out) {
  const hn::Rebind<uint16_t, U32> half;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const auto bits = hn::PromoteTo(kU32, hn::LoadU(half, in + i));
    hn::StoreU(hn::BitCast(kF32, hn::ShiftLeft<16>(bits)), kF32, out + i);
  }
  for (; i < n; ++i) out[i] = hwy::F32FromBF16({in[i]});
}

void Add(const float* x, size_t n, float* acc) {
  Map2(acc, x, n, acc, [](VecF a, VecF v) HWY_ATTR { return hn::Add(a, v); });
}

void Multiply(const float* x, const float* y, size_t n, float* out) {
  Map2(x, y, n, out, [](VecF a, VecF b) HWY_ATTR { return hn::Mul(a, b); });
}

void AddProduct(const float* x, const float* y, size_t n, float* acc) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const auto product = hn::Mul(hn::LoadU(kF32, x + i), hn::LoadU(kF32, y + i));
    hn::StoreU(hn::Add(hn::LoadU(kF32, acc + i), product), kF32, acc + i);
  }
  for (; i < n; ++i) acc[i] = acc[i] + x[i] * y[i];
}

void Exp(const float* in, size_t n, float* out) {
  Map1(in, n, out, [](VecF v) HWY_ATTR { return ExpClamped(v); });
}

// max(x, 0) + ln(1 + exp(-|x|))
void Softplus(const float* in, size_t n, float* out) {
  const auto zero = hn::Zero(kF32);
  Map1(in, n, out, [&](VecF v) HWY_ATTR {
    const auto tail = hn::Log1p(kF32, ExpClamped(hn::Neg(hn::Abs(v))));
    return hn::Add(hn::Max(v, zero), tail);
  });
}

void AddScaled(float scale, const float* x, size_t n, float* acc) {
  const auto s = hn::Set(kF32, scale);
  Map2(acc, x, n, acc, [&](VecF a, VecF v) HWY_ATTR { return hn::Add(a, hn::Mul(s, v)); });
}

void SetScaled(float scale, const float* x, size_t n, float* out) {
  const auto s = hn::Set(kF32, scale);
  Map1(x, n, out, [&](VecF v) HWY_ATTR { return hn::Mul(s, v); });
}

// state (keys, values): row i times decay_i; then plus key_i * beta * (value - state^T key); out =
// state^T query. `delta` (values) is scratch.
void Clamp(float limit, size_t n, float* x) {
  const auto high = hn::Set(kF32, limit);
  const auto low = hn::Set(kF32, -limit);
  Map1(x, n, x, [&](VecF v) HWY_ATTR { return hn::Min(hn::Max(v, low), high); });
}

void RotateHalfSplit(const float* cos, const float* sin, size_t n, float* x) {
  const size_t half = n / 2;
  float* y = x + half;
  size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const auto c = hn::LoadU(kF32, cos + i);
    const auto s = hn::LoadU(kF32, sin + i);
    const auto a = hn::LoadU(kF32, x + i);
    const auto b = hn::LoadU(kF32, y + i);
    hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), kF32, x + i);
    hn::StoreU(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), kF32, y + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = y[i];
    x[i] = a * cos[i] - b * sin[i];
    y[i] = b * cos[i] + a * sin[i];
  }
}

void RotateInterleaved(const float* cos, const float* sin, size_t n, float* x) {
  const size_t pairs = n / 2;
  size_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    const auto c = hn::LoadU(kF32, cos + i);
    const auto s = hn::LoadU(kF32, sin + i);
    VecF a, b;
    hn::LoadInterleaved2(kF32, x + 2 * i, a, b);
    const auto even = hn::Sub(hn::Mul(a, c), hn::Mul(b, s));
    const auto odd = hn::Add(hn::Mul(b, c), hn::Mul(a, s));
    hn::StoreInterleaved2(even, odd, kF32, x + 2 * i);
  }
  for (; i < pairs; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = b * cos[i] + a * sin[i];
  }
}

// fp64 over 8 virtual lanes: two groups of 8/Lanes registers.
using F64 = hn::CappedTag<double, 8>;
using HalfF = hn::Rebind<float, F64>;
using VecD = hn::Vec<F64>;
constexpr size_t kLanes64 = hn::MaxLanes(F64());
constexpr size_t kRegisters64 = 8 / kLanes64;

template <typename Term>
HWY_INLINE double Sum64(const float* x, const float* y, size_t n, Term term) {
  const F64 d;
  const HalfF narrow;
  VecD total[kRegisters64];
  for (size_t r = 0; r < kRegisters64; ++r) total[r] = hn::Zero(d);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (size_t r = 0; r < kRegisters64; ++r) {
      const auto a = hn::PromoteTo(d, hn::LoadU(narrow, x + i + r * kLanes64));
      const auto b = hn::PromoteTo(d, hn::LoadU(narrow, y + i + r * kLanes64));
      total[r] = hn::Add(total[r], term(a, b));
    }
  }
  if (i < n) {
    HWY_ALIGN float last_x[8] = {};
    HWY_ALIGN float last_y[8] = {};
    for (size_t k = 0; i + k < n; ++k) last_x[k] = x[i + k], last_y[k] = y[i + k];
    for (size_t r = 0; r < kRegisters64; ++r) {
      const auto a = hn::PromoteTo(d, hn::LoadU(narrow, last_x + r * kLanes64));
      const auto b = hn::PromoteTo(d, hn::LoadU(narrow, last_y + r * kLanes64));
      total[r] = hn::Add(total[r], term(a, b));
    }
  }
  HWY_ALIGN double flat[8];
  for (size_t r = 0; r < kRegisters64; ++r) hn::Store(total[r], d, flat + r * kLanes64);
  for (size_t apart = 4; apart != 0; apart /= 2) {
    for (size_t k = 0; k < apart; ++k) flat[k] += flat[k + apart];
  }
  return flat[0];
}

double Dot(const float* x, const float* y, size_t n) {
  return Sum64(x, y, n, [](VecD a, VecD b) HWY_ATTR { return hn::Mul(a, b); });
}

double SquaredDistance(double a, const float* x, double b, const float* y, size_t n) {
  const F64 d;
  const auto scale_x = hn::Set(d, a);
  const auto scale_y = hn::Set(d, b);
  return Sum64(x, y, n, [&](VecD u, VecD v) HWY_ATTR {
    const auto difference = hn::Sub(hn::Mul(scale_x, u), hn::Mul(scale_y, v));
    return hn::Mul(difference, difference);
  });
}

template <typename T>
HWY_INLINE size_t FirstWithAllOnes(const T* bits, size_t n, T exponent) {
  const hn::ScalableTag<T> d;
  const auto mask = hn::Set(d, exponent);
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    if (!hn::AllFalse(d, hn::Eq(hn::And(hn::LoadU(d, bits + i), mask), mask))) break;
  }
  for (; i < n; ++i) {
    if ((bits[i] & exponent) == exponent) return i;
  }
  return n;
}

size_t FirstNonFinite16(const uint16_t* bits, size_t n, uint16_t exponent) {
  return FirstWithAllOnes(bits, n, exponent);
}

size_t FirstNonFinite32(const uint32_t* bits, size_t n) {
  return FirstWithAllOnes(bits, n, 0x7f800000u);
}

// FP8 E4M3 has no infinities; NaN is all ones but for the sign.
size_t FirstNan8(const uint8_t* bits, size_t n) { return FirstWithAllOnes(bits, n, uint8_t{0x7f}); }

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace rg::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
