// Compiled once per instruction set by Highway (foreach_target includes this file again), with
// SSE2, AVX2 and AVX-512 as the three levels; the best one that the CPU has runs.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/elementwise-inl.h"

#if HWY_ONCE
#include "kernels/elementwise.h"

namespace rg::kernels {

#define RG_DISPATCH(name) HWY_DYNAMIC_DISPATCH(name)

HWY_EXPORT(Softmax);
HWY_EXPORT(Sigmoid);
HWY_EXPORT(RmsNormF32);
HWY_EXPORT(RmsNormBf16);
HWY_EXPORT(SiluTimesF32);
HWY_EXPORT(SiluTimesBf16);
HWY_EXPORT(ClampedSiluTimes);
HWY_EXPORT(GeluTanhTimes);
HWY_EXPORT(Softcap);
HWY_EXPORT(LayerNorm);
HWY_EXPORT(RoundToBf16);
HWY_EXPORT(Widen);
HWY_EXPORT(Add);
HWY_EXPORT(AddScaled);
HWY_EXPORT(Multiply);
HWY_EXPORT(AddProduct);
HWY_EXPORT(Exp);
HWY_EXPORT(Softplus);
HWY_EXPORT(SetScaled);
HWY_EXPORT(Clamp);
HWY_EXPORT(ReluSquared);
HWY_EXPORT(RotateHalfSplit);
HWY_EXPORT(RotateInterleaved);
HWY_EXPORT(Dot);
HWY_EXPORT(SquaredDistance);
HWY_EXPORT(FirstNonFinite16);
HWY_EXPORT(FirstNonFinite32);
HWY_EXPORT(FirstNan8);
HWY_EXPORT(TargetName);

void limit_to_avx2() { hwy::DisableTargets(HWY_AVX3 | HWY_AVX3_DL); }

const char* isa_name() noexcept { return RG_DISPATCH(TargetName)(); }

void softmax(const float* in, size_t n, float* out) noexcept { RG_DISPATCH(Softmax)(in, n, out); }
void sigmoid(const float* in, size_t n, float* out) noexcept { RG_DISPATCH(Sigmoid)(in, n, out); }

float rms_norm(const float* x, const float* gain, size_t n, float eps, float* out) noexcept {
  return RG_DISPATCH(RmsNormF32)(x, gain, n, eps, out);
}
float rms_norm(const float* x, const float* gain, size_t n, float eps, bf16_t* out) noexcept {
  return RG_DISPATCH(RmsNormBf16)(x, gain, n, eps, out);
}

void silu_times(const float* gate, const float* up, size_t n, float* out) noexcept {
  RG_DISPATCH(SiluTimesF32)(gate, up, n, out);
}
void silu_times(const float* gate, const float* up, size_t n, bf16_t* out) noexcept {
  RG_DISPATCH(SiluTimesBf16)(gate, up, n, out);
}

void clamped_silu_times(const float* gate, const float* up, size_t n, float alpha, float limit,
                        float* out) noexcept {
  RG_DISPATCH(ClampedSiluTimes)(gate, up, n, alpha, limit, out);
}

void gelu_tanh_times(const float* gate, const float* up, size_t n, float* out) noexcept {
  RG_DISPATCH(GeluTanhTimes)(gate, up, n, out);
}
void relu_squared(const float* in, size_t n, float* out) noexcept {
  RG_DISPATCH(ReluSquared)(in, n, out);
}
void softcap(float cap, size_t n, float* x) noexcept { RG_DISPATCH(Softcap)(cap, n, x); }

void layer_norm(const float* x, const float* gain, const float* bias, size_t n, float eps,
                float* out) noexcept {
  RG_DISPATCH(LayerNorm)(x, gain, bias, n, eps, out);
}

void round_to_bf16(const float* in, size_t n, bf16_t* out) noexcept {
  RG_DISPATCH(RoundToBf16)(in, n, out);
}
void widen(const bf16_t* in, size_t n, float* out) noexcept { RG_DISPATCH(Widen)(in, n, out); }

void add(const float* x, size_t n, float* acc) noexcept { RG_DISPATCH(Add)(x, n, acc); }
void add_scaled(float scale, const float* x, size_t n, float* acc) noexcept {
  RG_DISPATCH(AddScaled)(scale, x, n, acc);
}
void set_scaled(float scale, const float* x, size_t n, float* out) noexcept {
  RG_DISPATCH(SetScaled)(scale, x, n, out);
}
void multiply(const float* x, const float* y, size_t n, float* out) noexcept {
  RG_DISPATCH(Multiply)(x, y, n, out);
}
void add_product(const float* x, const float* y, size_t n, float* acc) noexcept {
  RG_DISPATCH(AddProduct)(x, y, n, acc);
}
void exponential(const float* in, size_t n, float* out) noexcept { RG_DISPATCH(Exp)(in, n, out); }
void softplus(const float* in, size_t n, float* out) noexcept { RG_DISPATCH(Softplus)(in, n, out); }
void clamp(float limit, size_t n, float* x) noexcept { RG_DISPATCH(Clamp)(limit, n, x); }

void rotate_half_split(const float* cos, const float* sin, size_t n, float* x) noexcept {
  RG_DISPATCH(RotateHalfSplit)(cos, sin, n, x);
}

void rotate_interleaved(const float* cos, const float* sin, size_t n, float* x) noexcept {
  RG_DISPATCH(RotateInterleaved)(cos, sin, n, x);
}

double dot(const float* x, const float* y, size_t n) noexcept { return RG_DISPATCH(Dot)(x, y, n); }

double squared_distance(const float* x, const float* y, size_t n) noexcept {
  return RG_DISPATCH(SquaredDistance)(1.0, x, 1.0, y, n);
}
double squared_distance(double a, const float* x, double b, const float* y, size_t n) noexcept {
  return RG_DISPATCH(SquaredDistance)(a, x, b, y, n);
}

std::optional<size_t> find_nonfinite(DType dtype, const void* values, size_t count) noexcept {
  size_t at = count;
  switch (dtype) {
    case DType::f32:
      at = RG_DISPATCH(FirstNonFinite32)(static_cast<const uint32_t*>(values), count);
      break;
    case DType::bf16:
      at = RG_DISPATCH(FirstNonFinite16)(static_cast<const uint16_t*>(values), count, 0x7f80);
      break;
    case DType::f16:
      at = RG_DISPATCH(FirstNonFinite16)(static_cast<const uint16_t*>(values), count, 0x7c00);
      break;
    case DType::f8_e4m3:
      at = RG_DISPATCH(FirstNan8)(static_cast<const uint8_t*>(values), count);
      break;
    case DType::u8:  // every byte is an integer
      break;
  }
  if (at == count) return std::nullopt;
  return at;
}

}  // namespace rg::kernels
#endif  // HWY_ONCE
