// Row-wise fp32 kernels, vectorised through Highway with run-time dispatch. Sums run over 16
// virtual lanes (element i goes to lane i mod 16, in order), then a fixed binary tree, so the
// bits don't depend on the width of the machine's registers. No libm: exp is Highway's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor/dtype.h"

namespace rg::kernels {

// Limits Highway's targets to AVX2 (RG_MAX_ISA=avx2); call before any kernel.
void limit_to_avx2();
const char* isa_name() noexcept;  // the target that runs: "avx3", "avx2", ...

// exp(x_i - max x) / sum; n >= 1. -inf entries give 0. in == out allowed.
void softmax(const float* in, size_t n, float* out) noexcept;
void sigmoid(const float* in, size_t n, float* out) noexcept;

// r = 1/sqrt(mean(x_i^2) + eps); out_i = gain_i * (x_i * r). Returns r. x == out allowed.
float rms_norm(const float* x, const float* gain, size_t n, float eps, float* out) noexcept;
float rms_norm(const float* x, const float* gain, size_t n, float eps, bf16_t* out) noexcept;

// silu(gate_i) * up_i, silu(x) = x * sigmoid(x).
void silu_times(const float* gate, const float* up, size_t n, float* out) noexcept;
void silu_times(const float* gate, const float* up, size_t n, bf16_t* out) noexcept;

// g sigmoid(alpha g) (u + 1) of g = min(gate, limit), u = up clamped to [-limit, limit].
void clamped_silu_times(const float* gate, const float* up, size_t n, float alpha, float limit,
                        float* out) noexcept;

// gelu(gate) up, with gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
void gelu_tanh_times(const float* gate, const float* up, size_t n, float* out) noexcept;
// max(x, 0)^2; a NaN stays one. in == out allowed.
void relu_squared(const float* in, size_t n, float* out) noexcept;
void softcap(float cap, size_t n, float* x) noexcept;  // x = cap tanh(x / cap)

// out = gain (x - mean) / sqrt(mean((x - mean)^2) + eps) + bias; x == out allowed.
void layer_norm(const float* x, const float* gain, const float* bias, size_t n, float eps,
                float* out) noexcept;

void round_to_bf16(const float* in, size_t n, bf16_t* out) noexcept;  // nearest, ties to even
void widen(const bf16_t* in, size_t n, float* out) noexcept;

void add(const float* x, size_t n, float* acc) noexcept;  // acc += x
void add_scaled(float scale, const float* x, size_t n,
                float* acc) noexcept;  // acc += scale * x, two roundings
void set_scaled(float scale, const float* x, size_t n, float* out) noexcept;      // out = scale * x
void multiply(const float* x, const float* y, size_t n, float* out) noexcept;     // x * y
void add_product(const float* x, const float* y, size_t n, float* acc) noexcept;  // acc += x * y
void exponential(const float* in, size_t n, float* out) noexcept;
void softplus(const float* in, size_t n, float* out) noexcept;  // ln(1 + exp(x))
void clamp(float limit, size_t n, float* x) noexcept;           // to [-limit, limit]

// Half-split rotation of one head in place: pairs (i, i + n/2), cos and sin of n/2 entries.
void rotate_half_split(const float* cos, const float* sin, size_t n, float* x) noexcept;
// The same with pairs (2i, 2i + 1).
void rotate_interleaved(const float* cos, const float* sin, size_t n, float* x) noexcept;

// In fp64, over 8 virtual lanes.
double dot(const float* x, const float* y, size_t n) noexcept;
inline double squared_norm(const float* x, size_t n) noexcept { return dot(x, x, n); }
double squared_distance(const float* x, const float* y, size_t n) noexcept;
// |a x - b y|^2
double squared_distance(double a, const float* x, double b, const float* y, size_t n) noexcept;

// Index of the first NaN or infinity among `count` stored values.
std::optional<size_t> find_nonfinite(DType dtype, const void* values, size_t count) noexcept;

}  // namespace rg::kernels
