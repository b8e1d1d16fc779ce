// Slopes between near keys with different routes.
#include "readout/steepness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "readout/tables.h"
#include "theorems/linear.h"

namespace rg::readout {
namespace {

// The same by all pairs in fp64.
std::vector<double> steepest_by_hand(const KeyRoutes& routes, bool nearest) {
  const size_t rows = routes.margins.size(), m = routes.width, k = routes.top_k;
  std::vector<double> out(rows, 0.0);
  for (size_t a = 0; a < rows; ++a) {
    double best = nearest ? 1e300 : 0;
    for (size_t b = 0; b < rows; ++b) {
      std::vector<int32_t> one(routes.sets.begin() + static_cast<ptrdiff_t>(a * k),
                               routes.sets.begin() + static_cast<ptrdiff_t>((a + 1) * k));
      std::vector<int32_t> two(routes.sets.begin() + static_cast<ptrdiff_t>(b * k),
                               routes.sets.begin() + static_cast<ptrdiff_t>((b + 1) * k));
      std::sort(one.begin(), one.end());
      std::sort(two.begin(), two.end());
      if (one == two) continue;
      double square = 0;
      for (size_t j = 0; j < m; ++j) {
        const double away = static_cast<double>(routes.keys[a * m + j]) -
                            static_cast<double>(routes.keys[b * m + j]);
        square += away * away;
      }
      const double margin = static_cast<double>(std::min(routes.margins[a], routes.margins[b]));
      const double slope = std::sqrt(2.0) * margin / std::sqrt(square);
      if (nearest && square < best) {
        best = square;
        out[a] = slope;
      } else if (!nearest) {
        out[a] = std::max(out[a], slope);
      }
    }
  }
  return out;
}

TEST(SlopeTest, EqualsAllPairsAndStaysBelowALinearReadout) {
  theorems::Draws draws(6, "slopes");
  const theorems::Tensor keys = draws.normal(300, 12), readout = draws.normal(8, 12);
  const Planted planted(Table(gate::gpt_oss_gate(8, 2), keys, keys * readout.transpose(), 100));
  std::vector<int32_t> sets;
  for (uint32_t n = 0; n < 300; ++n) {
    for (const int32_t e : planted.routes.set_of(n)) sets.push_back(e);
  }
  const KeyRoutes routes = {.keys = planted.table.features,
                            .width = 12,
                            .sets = sets,
                            .top_k = 2,
                            .margins = planted.routes.margins};
  const Slopes slopes = key_slopes(routes, 2);
  const std::vector<double> steepest = steepest_by_hand(routes, false),
                            nearest = steepest_by_hand(routes, true);
  const double bound = theorems::spectral_norm(readout);
  for (size_t n = 0; n < 300; ++n) {
    EXPECT_NEAR(slopes.steepest[n], steepest[n], 1e-5 * steepest[n]);
    EXPECT_NEAR(slopes.nearest[n], nearest[n], 1e-5 * nearest[n]);
    EXPECT_LE(slopes.steepest[n], bound * (1 + 1e-5));
  }
  EXPECT_GT(*std::max_element(steepest.begin(), steepest.end()), 0.2 * bound);
  EXPECT_EQ(slopes.collisions, 0u);
  const Slopes alone = key_slopes(routes, 1);
  EXPECT_EQ(alone.steepest, slopes.steepest);
  EXPECT_EQ(alone.nearest, slopes.nearest);
}

TEST(SlopeTest, EqualAndNearlyEqualKeys) {
  // Long keys that fp32 products can't tell apart: rows 0 and 1 differ by 1e-3, row 2 equals row 0.
  std::vector<float> keys(4 * 64, 100.0f);
  keys[64 + 5] += 1e-3f;
  for (size_t j = 0; j < 64; ++j) keys[3 * 64 + j] = -100.0f;
  const std::vector<int32_t> sets = {0, 1, 0, 0};
  const std::vector<float> margins = {1, 2, 1, 1};
  const KeyRoutes routes = {
      .keys = keys, .width = 64, .sets = sets, .top_k = 1, .margins = margins};
  const Slopes slopes = key_slopes(routes, 1);
  const double step = static_cast<double>(keys[64 + 5]) - 100;
  EXPECT_NEAR(slopes.steepest[0], std::sqrt(2.0) / step, 1e-6 / step);
  EXPECT_EQ(slopes.collisions, 0u);
  const std::vector<int32_t> other = {0, 1, 2, 0};
  const Slopes equal =
      key_slopes({.keys = keys, .width = 64, .sets = other, .top_k = 1, .margins = margins}, 1);
  EXPECT_TRUE(std::isinf(equal.steepest[0]));
  EXPECT_TRUE(std::isinf(equal.nearest[2]));
  EXPECT_EQ(equal.collisions, 2u);
  const std::vector<int32_t> same = {3, 3, 3, 3};
  EXPECT_EQ(key_slopes({.keys = keys, .width = 64, .sets = same, .top_k = 1, .margins = margins}, 1)
                .steepest,
            std::vector<double>(4, 0.0));
}

}  // namespace
}  // namespace rg::readout
