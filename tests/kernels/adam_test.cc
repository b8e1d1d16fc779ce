// Adam against its formulas in fp64.
#include "kernels/adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/random_values.h"

namespace rg::kernels {
namespace {

TEST(AdamTest, EqualsTheFormulasInFp64) {
  constexpr size_t kWeights = 131;  // no multiple of a register
  const AdamRates rates{.mean_decay = 0.9f, .square_decay = 0.99f, .step = 0.01f, .epsilon = 1e-6f};
  std::vector<float> value = random_normal(kWeights, 1.0f, 1), mean(kWeights), square(kWeights);
  std::vector<double> wanted(value.begin(), value.end()), m(kWeights), v(kWeights);
  const double keep = static_cast<double>(rates.mean_decay), rest = 1 - keep;
  const double keep2 = static_cast<double>(rates.square_decay), rest2 = 1 - keep2;
  for (uint32_t t = 0; t < 5; ++t) {
    const std::vector<float> gradient = random_normal(kWeights, t == 2 ? 5.0f : 0.1f, 10 + t);
    adam_step(rates, gradient.data(), kWeights, mean.data(), square.data(), value.data());
    for (size_t i = 0; i < kWeights; ++i) {
      const double g = static_cast<double>(gradient[i]);
      m[i] = keep * m[i] + rest * g;
      v[i] = keep2 * v[i] + rest2 * g * g;
      wanted[i] -= static_cast<double>(rates.step) * m[i] /
                   (std::sqrt(v[i]) + static_cast<double>(rates.epsilon));
      EXPECT_NEAR(value[i], wanted[i], 2e-6);
      EXPECT_NEAR(square[i], v[i], 1e-5 * v[i]);
    }
  }
}

TEST(AdamTest, NoGradientMovesNothing) {
  const std::vector<float> gradient(40, 0.0f), before = random_normal(40, 1.0f, 3);
  std::vector<float> value = before, mean(40, 0.0f), square(40, 0.0f);
  adam_step({.mean_decay = 0.9f, .square_decay = 0.999f, .step = 0.1f, .epsilon = 1e-8f},
            gradient.data(), 40, mean.data(), square.data(), value.data());
  EXPECT_EQ(value, before);
}

}  // namespace
}  // namespace rg::kernels
