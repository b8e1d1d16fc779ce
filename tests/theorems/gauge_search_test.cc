// The functions that the GS checks call report a broken hypothesis.
#include "theorems/gauge_search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

class GaugeSearch : public testing::Test {
 protected:
  Draws draws{0, "test"};
  Tensor keys = draws.normal(40, 4);
  Vector ones = Vector::Ones(40);
};

TEST_F(GaugeSearch, ARunThatFallsOrEndsTooEarlyIsSeen) {
  Itq run = itq(keys, draws.rotation(4), 200, ones);
  EXPECT_FALSE(refused([&](Findings& f) { itq_climbs(keys, ones, run, f); }));
  const Itq early = itq(keys, draws.rotation(4), 1, ones);
  EXPECT_TRUE(refused([&](Findings& f) { itq_climbs(keys, ones, early, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { itq_climbs(keys, cosine_weights(keys), run, f); }));
  run.gains.insert(run.gains.begin(), run.gains.back() + 1);
  EXPECT_TRUE(refused([&](Findings& f) { itq_climbs(keys, ones, run, f); }));
}

TEST_F(GaugeSearch, AGainIsAMetricForRotationsOnly) {
  const Tensor stretched = 1.1 * draws.rotation(4);
  EXPECT_TRUE(refused([&](Findings& f) { gains_are_metrics(keys, stretched, f); }));
  const Tensor shear{{1, 3, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 9}};
  EXPECT_TRUE(refused([&](Findings& f) { gains_are_metrics(keys, shear, f); }));
}

TEST_F(GaugeSearch, ErrorsFollowTheQueriesMoments) {
  const Vector error = draws.normal_vector(4);
  const Tensor identity = Tensor::Identity(4, 4);
  EXPECT_TRUE(refused([&](Findings& f) { query_error(3 * keys, identity, error, f); }));
}

TEST_F(GaugeSearch, KeysOfAnotherLawBreakTheGeneralisation) {
  const Tensor signs = draws.signs(20000, 4), identity = Tensor::Identity(4, 4);
  const Tensor other = draws.sparse(2000, 4, 1);
  EXPECT_TRUE(refused([&](Findings& f) { generalisation_gap(signs, other, identity, 0.01, f); }));
}

TEST_F(GaugeSearch, FitsNeedTheirHypotheses) {
  const Tensor oblique = keys.topRows(3);
  EXPECT_TRUE(refused([&](Findings& f) { perfect_fit(oblique, hadamard_fit(oblique), f); }));
  const Tensor pair = draws.rotation(3).topRows(2);  // cosine 0 is none of (3 - 2m)/3
  EXPECT_TRUE(refused([&](Findings& f) {
    perfect_fit(pair, two_key_fit(pair.row(0).transpose(), pair.row(1).transpose()), f);
  }));
  const Tensor one = keys.topRows(1);
  EXPECT_TRUE(refused(
      [&](Findings& f) { perfect_fit(one, 2 * single_key_fit(one.row(0).transpose()), f); }));
}

TEST_F(GaugeSearch, AnAngleOffTheMaximumIsSeen) {
  const Vector x = keys.col(0), y = keys.col(1);
  PlaneTurn turn = best_plane_turn(x, y, ones);
  turn.angle += 0.1;
  EXPECT_TRUE(refused([&](Findings& f) { exact_turn(x, y, ones, turn, 100, f); }));
  turn.gain = plane_gain(x, y, ones, turn.angle);
  EXPECT_TRUE(refused([&](Findings& f) { exact_turn(x, y, ones, turn, 100, f); }));
}

TEST_F(GaugeSearch, APlaneTurnFindsTheDiagonal) {
  const Vector x{{1, -2}}, y{{0, 0}};
  const PlaneTurn turn = best_plane_turn(x, y, Vector::Ones(2));
  EXPECT_NEAR(turn.angle, std::atan(1.0), 1e-12);
  EXPECT_NEAR(turn.gain, 3 * std::sqrt(2.0), 1e-12);
}

}  // namespace
}  // namespace rg::theorems
