// Sizes of changes against those between the tokens of a sample.
#include "certificates/plausibility.h"

#include <gtest/gtest.h>

#include "questions.h"

namespace rg::certificates {
namespace {

// Correlated coordinates of unequal size around a mean.
std::vector<float> tokens(uint32_t count, uint32_t width) {
  std::vector<float> out(count * width);
  for (uint32_t i = 0; i < count; ++i) {
    const float shared = normal(i, 0, 40);
    for (uint32_t j = 0; j < width; ++j) {
      out[i * width + j] = 5 + shared + static_cast<float>(j + 1) * normal(i, j + 1, 40);
    }
  }
  return out;
}

TEST(Plausibility, DifferencesOfTokensHaveMeanSquareOne) {
  for (const uint32_t count : {5u, 30u}) {  // fewer tokens than the width of 8, and more
    const std::vector<float> rows = tokens(count, 8);
    double squares = 0;
    for (uint32_t i = 0; i < count; ++i) {
      for (uint32_t j = 0; j < count; ++j) {
        std::vector<double> change(8);
        for (uint32_t c = 0; c < 8; ++c) change[c] = double{rows[i * 8 + c]} - rows[j * 8 + c];
        const Plausibility found = plausibility(rows, change);
        squares += found.size * found.size;
        EXPECT_NEAR(found.outside_share, 0, 1e-9);
      }
    }
    EXPECT_NEAR(squares / (count * (count - 1)), 1, 1e-9);
  }
}

TEST(Plausibility, RareDirectionsCountMore) {
  const std::vector<float> rows = tokens(400, 8);
  std::vector<double> narrow(8), wide(8);
  narrow[0] = wide[7] = 1;
  EXPECT_GT(plausibility(rows, narrow).size, 3 * plausibility(rows, wide).size);
}

TEST(Plausibility, WhatNoTokenDoesIsOutside) {
  const std::vector<float> rows{1, 0, 0, 3, 0, 0, 2, 1, 0};  // three tokens in a plane
  const Plausibility found = plausibility(rows, std::vector<double>{3, 0, 4});
  EXPECT_NEAR(found.outside_share, 16.0 / 25, 1e-12);
  const std::vector<float> equal{1, 2, 1, 2};
  EXPECT_EQ(plausibility(equal, std::vector<double>{1, 1}).size, 0);
}

}  // namespace
}  // namespace rg::certificates
