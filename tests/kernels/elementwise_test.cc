// Every row kernel against a plain formula in fp64, at lengths around the vector widths.
#include "kernels/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

#include "kernels/random_values.h"

namespace rg::kernels {
namespace {

constexpr size_t kLengths[] = {1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 2048};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST(Isa, FollowsTheLimit) {
  const char* limit = std::getenv("RG_MAX_ISA");
  if (limit != nullptr && std::string_view(limit) == "avx2") {
    EXPECT_STREQ(isa_name(), "AVX2");
  } else {
    EXPECT_STREQ(isa_name(), __builtin_cpu_supports("avx512bw") ? "AVX3"
                             : __builtin_cpu_supports("avx2")   ? "AVX2"
                                                                : "SSE2");
  }
}

TEST(Softmax, EqualsTheFormula) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = random_normal(n, 4.0f, n);
    std::vector<float> out(n);
    softmax(x.data(), n, out.data());
    double total = 0;
    for (const float v : x) total += std::exp(double{v});
    for (size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(out[i], std::exp(double{x[i]}) / total, 4e-7) << n << " " << i;
    }
  }
}

TEST(Softmax, MaskedAndDistantEntriesAreZero) {
  const float x[] = {0.0f, -kInfinity, -200.0f, 0.0f};
  float out[4];
  softmax(x, 4, out);
  EXPECT_EQ(out[0], 0.5f);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[2], 0.0f);
  EXPECT_EQ(out[3], 0.5f);
}

TEST(Softmax, AnNanSpreads) {
  const float x[] = {0.0f, kNan, 1.0f};
  float out[3];
  softmax(x, 3, out);
  for (const float v : out) EXPECT_TRUE(std::isnan(v));
}

TEST(Sigmoid, EqualsTheFormulaOverItsWholeRange) {
  std::vector<float> x = random_normal(100'000, 20.0f, 1);
  x.insert(x.end(), {0.0f, -0.0f, 90.0f, -90.0f, 1000.0f, -1000.0f, kInfinity, -kInfinity});
  std::vector<float> out(x.size());
  sigmoid(x.data(), x.size(), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = logistic(x[i]);
    EXPECT_NEAR(out[i], expected, 3e-7 * expected + 1e-37) << x[i];
  }
}

TEST(RmsNorm, EqualsTheFormulaAndRoundsOnceToBf16) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = random_normal(n, 3.0f, 2 * n);
    const std::vector<float> gain = random_normal(n, 1.0f, 2 * n + 1);
    std::vector<float> out(n);
    std::vector<bf16_t> narrow(n);
    const float inverse = rms_norm(x.data(), gain.data(), n, 1e-3f, out.data());
    rms_norm(x.data(), gain.data(), n, 1e-3f, narrow.data());
    double squares = 0;
    for (const float v : x) squares += double{v} * v;
    const double expected = 1.0 / std::sqrt(squares / static_cast<double>(n) + double{1e-3f});
    EXPECT_NEAR(inverse, expected, 1e-6 * expected);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(out[i], gain[i] * (x[i] * expected), 1e-6 * std::abs(out[i]) + 1e-9);
      EXPECT_EQ(narrow[i], f32_to_bf16(out[i]));
    }
  }
}

TEST(SiluTimes, EqualsTheFormulaAndRoundsOnceToBf16) {
  for (const size_t n : kLengths) {
    const std::vector<float> gate = random_normal(n, 5.0f, 3 * n);
    const std::vector<float> up = random_normal(n, 2.0f, 3 * n + 1);
    std::vector<float> out(n);
    std::vector<bf16_t> narrow(n);
    silu_times(gate.data(), up.data(), n, out.data());
    silu_times(gate.data(), up.data(), n, narrow.data());
    for (size_t i = 0; i < n; ++i) {
      const double expected = gate[i] * logistic(gate[i]) * up[i];
      EXPECT_NEAR(out[i], expected, 6e-7 * std::abs(expected) + 1e-30);
      EXPECT_EQ(narrow[i], f32_to_bf16(out[i]));
    }
  }
}

TEST(ReluSquared, EqualsTheFormulaAndKeepsNan) {
  for (const size_t n : kLengths) {
    std::vector<float> x = random_normal(n, 3.0f, 11 * n);
    x[0] = -0.0f;
    x.back() = kNan;
    std::vector<float> out(n);
    relu_squared(x.data(), n, out.data());
    for (size_t i = 0; i + 1 < n; ++i) EXPECT_EQ(out[i], x[i] > 0 ? x[i] * x[i] : 0.0f);
    EXPECT_TRUE(std::isnan(out.back()));
  }
}

TEST(Bf16, RoundsAsTheScalarConversionDoes) {
  std::vector<float> x = random_normal(10'000, 1e3f, 5);
  x.insert(x.end(), {0.0f, -0.0f, kInfinity, -kInfinity, kNan, 1.00390625f, 1.01171875f, 3.4e38f,
                     1e-40f, -1e-40f});
  std::vector<bf16_t> out(x.size());
  round_to_bf16(x.data(), x.size(), out.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(out[i], f32_to_bf16(x[i])) << x[i];
  std::vector<float> back(x.size());
  widen(out.data(), out.size(), back.data());
  for (size_t i = 0; i + 10 < x.size(); ++i) EXPECT_EQ(back[i], bf16_to_f32(out[i]));
}

TEST(Vectors, AddScaleClampRotate) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = random_normal(n, 2.0f, 7 * n);
    const std::vector<float> y = random_normal(n, 2.0f, 7 * n + 1);
    std::vector<float> sum = y;
    add(x.data(), n, sum.data());
    std::vector<float> scaled = y;
    add_scaled(0.3f, x.data(), n, scaled.data());
    std::vector<float> set(n);
    set_scaled(0.3f, x.data(), n, set.data());
    std::vector<float> clamped = x;
    clamp(1.5f, n, clamped.data());
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(sum[i], y[i] + x[i]);
      const float product = 0.3f * x[i];
      EXPECT_EQ(set[i], product);
      EXPECT_EQ(scaled[i], y[i] + product);
      EXPECT_EQ(clamped[i], std::fmin(std::fmax(x[i], -1.5f), 1.5f));
    }
  }
  for (const size_t half : {size_t{1}, size_t{5}, size_t{8}, size_t{16}, size_t{64}}) {
    std::vector<float> x = random_normal(2 * half, 1.0f, half);
    const std::vector<float> before = x;
    const std::vector<float> cos = random_normal(half, 1.0f, half + 1);
    const std::vector<float> sin = random_normal(half, 1.0f, half + 2);
    rotate_half_split(cos.data(), sin.data(), 2 * half, x.data());
    for (size_t i = 0; i < half; ++i) {
      const float a = before[i];
      const float b = before[i + half];
      EXPECT_EQ(x[i], a * cos[i] - b * sin[i]);
      EXPECT_EQ(x[i + half], b * cos[i] + a * sin[i]);
    }
  }
}

TEST(Fp64Sums, EqualTheFormula) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = random_normal(n, 2.0f, 9 * n);
    const std::vector<float> y = random_normal(n, 2.0f, 9 * n + 1);
    double inner = 0, apart = 0, weighted = 0;
    for (size_t i = 0; i < n; ++i) {
      inner += double{x[i]} * y[i];
      apart += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
      weighted += (0.25 * x[i] - 3.0 * y[i]) * (0.25 * x[i] - 3.0 * y[i]);
    }
    EXPECT_NEAR(dot(x.data(), y.data(), n), inner, 1e-12 * static_cast<double>(n));
    EXPECT_NEAR(squared_distance(x.data(), y.data(), n), apart, 1e-12 * apart);
    EXPECT_NEAR(squared_distance(0.25, x.data(), 3.0, y.data(), n), weighted, 1e-12 * weighted);
  }
}

TEST(NonFinite, FindsTheFirstOneInEveryType) {
  for (const size_t n : kLengths) {
    for (size_t bad = 0; bad<n; bad += n> 20 ? 97 : 1) {
      std::vector<float> wide = random_normal(n, 1e4f, n);
      std::vector<uint16_t> half(n, 0x7bffu);   // the largest f16
      std::vector<uint16_t> brain(n, 0x7f7fu);  // the largest bf16
      EXPECT_FALSE(find_nonfinite(DType::f32, wide.data(), n));
      EXPECT_FALSE(find_nonfinite(DType::f16, half.data(), n));
      EXPECT_FALSE(find_nonfinite(DType::bf16, brain.data(), n));
      wide[bad] = bad % 2 == 0 ? kNan : -kInfinity;
      half[bad] = 0xfc00u;
      brain[bad] = 0x7fc0u;
      EXPECT_EQ(find_nonfinite(DType::f32, wide.data(), n), bad);
      EXPECT_EQ(find_nonfinite(DType::f16, half.data(), n), bad);
      EXPECT_EQ(find_nonfinite(DType::bf16, brain.data(), n), bad);
    }
  }
}

}  // namespace
}  // namespace rg::kernels
