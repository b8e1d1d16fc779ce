#include "experiments/audit/margin_deciles.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace rg::experiments {
namespace {

TEST(MarginDeciles, TenMarginsFallIntoNineBins) {
  // Two windows of five: margins 0 .. 9 and their masses.
  std::vector<float> margins(10);
  std::iota(margins.begin(), margins.end(), 0.0f);
  const std::vector<uint8_t> defined(10, 1);
  const std::vector<uint16_t> mass = {2, 0, 1, 0, 0, 0, 0, 0, 0, 3};
  const auto deciles = margin_deciles(margins, defined, mass, 2);
  ASSERT_TRUE(deciles);
  // e_i is the order statistic of rank i, so e_0 = e_1 and bin 0 is empty.
  EXPECT_EQ(deciles->edges, (std::array<float, 11>{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(deciles->decisions[0], (std::vector<uint32_t>{0, 0}));
  EXPECT_EQ(deciles->decisions[1], (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(deciles->decisions[9], (std::vector<uint32_t>{0, 2}));  // closed: 8 and 9
  EXPECT_EQ(deciles->flips[1], (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(deciles->mass[1], (std::vector<uint32_t>{2, 0}));
  EXPECT_EQ(deciles->flips[3], (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(deciles->mass[9], (std::vector<uint32_t>{0, 3}));
}

TEST(MarginDeciles, LeaveUndefinedDecisionsOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto deciles =
      margin_deciles(std::vector<float>{nan, 1, 2, nan}, std::vector<uint8_t>{0, 1, 1, 0},
                     std::vector<uint16_t>{5, 1, 0, 5}, 2);
  ASSERT_TRUE(deciles);
  EXPECT_EQ(deciles->edges.front(), 1);
  EXPECT_EQ(deciles->edges.back(), 2);
  uint32_t decisions = 0, mass = 0;
  for (size_t bin = 0; bin < kMarginDeciles; ++bin) {
    for (size_t w = 0; w < 2; ++w) {
      decisions += deciles->decisions[bin][w];
      mass += deciles->mass[bin][w];
    }
  }
  EXPECT_EQ(decisions, 2u);
  EXPECT_EQ(mass, 1u);
}

TEST(MarginDeciles, NeedTwoDifferentFiniteMargins) {
  const std::vector<uint8_t> all(4, 1), none(4, 0);
  const std::vector<uint16_t> mass(4, 1);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(margin_deciles(std::vector<float>{1, 2, 3, 4}, none, mass, 2));
  EXPECT_FALSE(margin_deciles(std::vector<float>(4, 0.5f), all, mass, 2));
  EXPECT_FALSE(margin_deciles(std::vector<float>{1, 2, infinity, 4}, all, mass, 2));
  EXPECT_TRUE(margin_deciles(std::vector<float>{1, 2, 1, 1}, all, mass, 2));
}

}  // namespace
}  // namespace rg::experiments
