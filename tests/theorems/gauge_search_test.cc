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
  EXPECT_TRUE(refused([&](Findings& f) {
    generalisation_gap(signs, other, identity, 0.01, generalisation_bound, f);
  }));
}

double half_first_term(Eigen::Index n, Eigen::Index d, double delta) {
  return generalisation_bound(n, d, delta) - generalisation_bound(n, d, 2) / 2;
}
double twice_first_term(Eigen::Index n, Eigen::Index d, double delta) {
  return generalisation_bound(n, d, delta) + generalisation_bound(n, d, 2);
}
double half_second_term(Eigen::Index n, Eigen::Index d, double delta) {
  return (generalisation_bound(n, d, delta) + generalisation_bound(n, d, 2)) / 2;
}
double twice_second_term(Eigen::Index n, Eigen::Index d, double delta) {
  return 2 * generalisation_bound(n, d, delta) - generalisation_bound(n, d, 2);
}

// The gap of learned rotations is a tenth of the bound: half of each term passes there.
TEST_F(GaugeSearch, RefusesAWrongConstantOfGeneralisation) {
  const Tensor train = draws.normal(512, 4), held_out = draws.normal(4000, 4);
  const Tensor learned = itq(train, draws.rotation(4), 60, cosine_weights(train)).rotation;
  const Tensor orthogonal = draws.rotation(8);
  std::vector<Eigen::Index> drawn(512, 0);
  for (int i = 0; i < 32768; ++i) ++drawn[draws.below(512)];
  const auto gap = [&](GapBound bound) {
    return refused(
        [&](Findings& f) { generalisation_gap(train, held_out, learned, 0.01, bound, f); });
  };
  const auto first = [&](GapBound bound) {
    return refused([&](Findings& f) { rademacher_term(orthogonal, true, bound, f); });
  };
  const auto second = [](GapBound bound) {
    return refused([&](Findings& f) { confidence_term(bound, f); });
  };
  const auto share = [&](GapBound bound) {
    return refused([&](Findings& f) { gap_of_frequencies(drawn, bound, f); });
  };
  for (const GapBound bound : {generalisation_bound, half_first_term, twice_first_term,
                               half_second_term, twice_second_term}) {
    EXPECT_FALSE(gap(bound));
    const bool wrong_first = bound == half_first_term || bound == twice_first_term;
    EXPECT_EQ(first(bound), wrong_first);
    EXPECT_EQ(share(bound), wrong_first);
    EXPECT_EQ(second(bound), bound == half_second_term || bound == twice_second_term);
  }
  // Another power of d, right at d = 1 only.
  EXPECT_TRUE(first([](Eigen::Index n, Eigen::Index d, double delta) {
    return generalisation_bound(n, d * d, delta);
  }));
}

TEST_F(GaugeSearch, TheFirstTermIsForOrthogonalKeysOnly) {
  EXPECT_FALSE(refused(
      [&](Findings& f) { rademacher_term(keys.topRows(8), false, generalisation_bound, f); }));
  EXPECT_TRUE(refused(
      [&](Findings& f) { rademacher_term(keys.topRows(8), true, generalisation_bound, f); }));
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
