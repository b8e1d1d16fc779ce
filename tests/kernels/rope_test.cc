#include "kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace rg::kernels {
namespace {

TEST(RopeTable, HoldsCosAndSinOfPositionTimesInverseFrequency) {
  std::vector<float> frequencies;
  for (int i = 0; i < 64; ++i) {
    frequencies.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / 128.0)));
  }
  const RopeTable table(frequencies, 1.0f, 300);
  EXPECT_EQ(table.rotated_dims(), 128u);
  for (const uint32_t position : {0u, 1u, 17u, 299u}) {
    for (const uint32_t i : {0u, 1u, 31u, 63u}) {
      const double angle = position * std::pow(10000.0, -2.0 * i / 128.0);
      EXPECT_NEAR(table.cos(position)[i], std::cos(angle), 3e-5);
      EXPECT_NEAR(table.sin(position)[i], std::sin(angle), 3e-5);
    }
  }
}

TEST(RopeTable, AnglesAreRoundedToFp32AsInTheReference) {
  const float inverse = 1.0f / static_cast<float>(std::pow(500.0, 0.5));
  const std::vector<float> frequencies = {1.0f, inverse};
  const RopeTable table(frequencies, 1.0f, 50'000);
  const float angle = 49'999.0f * inverse;
  EXPECT_EQ(table.cos(49'999)[1], static_cast<float>(std::cos(double{angle})));
  EXPECT_EQ(table.sin(49'999)[1], static_cast<float>(std::sin(double{angle})));
}

}  // namespace
}  // namespace rg::kernels
