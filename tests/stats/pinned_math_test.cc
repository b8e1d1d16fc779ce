#include "stats/pinned_math.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rg::stats {
namespace {

double relative(double found, double expected) {
  return expected == 0 ? std::fabs(found) : std::fabs(found - expected) / std::fabs(expected);
}

TEST(PinnedMath, LogAgreesWithLibmOverManyMagnitudes) {
  for (int i = -3000; i <= 3000; ++i) {
    const double x = std::pow(1.37, i * 0.7) * (1 + 0.001 * (i % 17));
    if (!std::isnormal(x)) continue;
    EXPECT_LT(std::fabs(pinned_log(x) - std::log(x)), 2e-16 * (1 + std::fabs(std::log(x)))) << x;
  }
  EXPECT_EQ(pinned_log(1.0), 0.0);
  EXPECT_LT(relative(pinned_log(1 + 1e-9), std::log1p(1e-9)), 1e-7);
}

TEST(PinnedMath, ExpAgreesWithLibm) {
  for (int i = -7000; i <= 7000; ++i) {
    const double x = i / 10.0;
    EXPECT_LT(relative(pinned_exp(x), std::exp(x)), 5e-16) << x;
  }
}

TEST(PinnedMath, NormalDistributionAgreesWithErfc) {
  for (int i = -800; i <= 800; ++i) {
    const double x = i / 100.0, expected = 0.5 * std::erfc(-x / std::sqrt(2.0));
    EXPECT_NEAR(normal_cdf(x), expected, 5e-15) << x;
  }
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-15);
}

TEST(PinnedMath, NormalQuantileKnownValuesAndInverse) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.25), -0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal_quantile(1e-20), -9.262340089798408, 1e-13);
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  for (double p = 0.0005; p < 1; p += 0.0005) {
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-15);
  }
}

TEST(PinnedMath, XLogXIsZeroAtZero) {
  EXPECT_EQ(x_log_x(0), 0.0);
  EXPECT_NEAR(x_log_x(0.5), -0.34657359027997264, 1e-16);
}

}  // namespace
}  // namespace rg::stats
