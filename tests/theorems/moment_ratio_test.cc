// The moment ratio's functions report laws other than the claimed ones.
#include "theorems/moment_ratio.h"

#include <gtest/gtest.h>

#include <numbers>

#include "theorems/draws.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

bool holds(const Findings& findings, const std::string& start) {
  for (const Finding& f : findings.list()) {
    if (f.quantity.starts_with(start)) return f.holds;
  }
  ADD_FAILURE() << "nothing found about " << start;
  return false;
}

TEST(MomentRatio, ReportsAMatrixOfZeros) {
  Findings findings;
  ratio_range(Tensor::Zero(3, 4), findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(MomentRatio, ReportsDependentCoordinates) {
  Draws draws(0, "moment ratio");
  const Vector pool = draws.normal_vector(500);
  const Tensor equal = pool.head(100) * Vector::Ones(256).transpose();
  Findings findings;
  cosine_of_independent_coordinates(equal, pool, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(MomentRatio, TellsLawsApart) {
  Draws draws(1, "moment ratio");
  const Vector normal = draws.normal_vector(20000);
  Findings good, bad;
  ratio_of_draws(normal, 2 / std::numbers::pi, good);
  ratio_of_draws(normal, 2.0 / 3, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(MomentRatio, ReportsANegativeDensity) {
  Findings findings;
  gram_charlier(0, -0.5, findings);
  EXPECT_FALSE(holds(findings, "least density"));
  EXPECT_TRUE(holds(findings, "E|X|"));  // the formula itself does not need a density
}

TEST(MomentRatio, RotationsThatFavourAnAxisAreReported) {
  Draws draws(2, "moment ratio");
  Tensor favoured = draws.normal(2000, 16);
  favoured.col(0) *= 2;
  Findings good, bad;
  sphere_means(cosines_1bit(draws.normal(2000, 16)), 16, good);
  sphere_means(cosines_1bit(favoured), 16, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(MomentRatio, ReportsChannelsOfDifferentLaws) {
  Draws draws(3, "moment ratio");
  Tensor keys(200, 2);
  keys << draws.signs(200, 1), 3 * draws.normal(200, 1);
  Findings findings;
  unequal_channels(keys, findings);
  EXPECT_FALSE(findings.all_hold());
}

}  // namespace
}  // namespace rg::theorems
