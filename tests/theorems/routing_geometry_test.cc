// The functions that the RG checks call report a broken hypothesis.
#include "theorems/routing_geometry.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/mixture.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

Sets top_sets(const Tensor& scores, Eigen::Index k) {
  Sets out;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    out.push_back(top_k(scores.row(n).transpose(), k));
  }
  return out;
}

TEST(TopK, TiesGoToTheLowerIndex) {
  const Vector scores{{1, 3, 3, 0, 3}};
  EXPECT_EQ(top_k(scores, 2), (Set{1, 2}));
  EXPECT_EQ(complement({1, 2}, 5), (Set{0, 3, 4}));
  EXPECT_EQ(set_margin(scores, {1, 2}), 0);
  EXPECT_EQ(set_margin(scores, {0, 1}), -2);
}

TEST(ChanceOverlap, SetsComeInOrder) {
  EXPECT_EQ(all_sets(4, 2), (Sets{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}));
}

TEST(ChanceOverlap, AnExpertCountsOnce) {
  EXPECT_TRUE(refused([](Findings& f) { enumerated_overlap({1, 1, 2}, 6, f); }));
  EXPECT_TRUE(refused([](Findings& f) { popularity_null({{0, 1}, {2}}, 3, f); }));
}

TEST(ChanceOverlap, RelatedSetsOverlapMore) {
  Draws draws(0, "test");
  const Sets a = top_sets(draws.normal(500, 16), 4);
  EXPECT_FALSE(
      refused([&](Findings& f) { drawn_overlap(a, top_sets(draws.normal(500, 16), 4), 16, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { drawn_overlap(a, a, 16, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { drawn_from_pool(a, a, a, 16, f); }));
}

TEST(ChanceOverlap, SkewedSetsExceedTheUniformNull) {
  Draws draws(0, "test");
  const auto skewed = [&] {
    Tensor scores = draws.normal(500, 16);
    scores.leftCols(4).array() += 2;
    return top_sets(scores, 4);
  };
  const Sets a = skewed(), b = skewed();
  EXPECT_TRUE(refused([&](Findings& f) { drawn_overlap(a, b, 16, f); }));
}

TEST(ChanceOverlap, GroupsThatAreNotThereAreMissed) {
  Draws draws(0, "test");  // sets of all experts, claimed to come from one group of four
  const Sets a = top_sets(draws.normal(2000, 16), 3), b = top_sets(draws.normal(2000, 16), 3);
  const Sets group_a = top_sets(draws.normal(2000, 4), 1),
             group_b = top_sets(draws.normal(2000, 4), 1);
  EXPECT_TRUE(refused([&](Findings& f) {
    drawn_grouped_overlap({.experts = 16, .groups = 4, .chosen = 1, .k = 3}, a, group_a, b, group_b,
                          f);
  }));
}

TEST(TailShare, MassAtLowMarginsExceedsTheBaseline) {
  Draws draws(0, "test");
  const Vector margins = Vector::LinSpaced(20, 0, 1);
  Tensor placements = draws.normal(500, 20).cwiseAbs();
  placements.leftCols(2) *= 2;
  EXPECT_TRUE(refused([&](Findings& f) { drawn_tail_share(margins, placements, {1, 10}, f); }));
  EXPECT_EQ(low_margin_tail(margins, {1, 10}), (Set{0, 1}));
  EXPECT_EQ(low_margin_tail(Vector{{2, 1, 1, 1}}, {1, 4}), (Set{1, 2, 3}));
}

TEST(TailShare, TheTailIsCountedExactly) {  // 0.07 * 100 is above 7 in floating point
  EXPECT_EQ(low_margin_tail(Vector::LinSpaced(100, 0, 1), {7, 100}).size(), 7u);
}

TEST(TailShare, NegativeMassesHaveNoShares) {
  const Vector margins{{1, 2, 3}}, masses{{1, -1, 0}};
  EXPECT_TRUE(refused([&](Findings& f) { cyclic_tail_share(margins, masses, {2, 5}, f); }));
}

TEST(MarginStability, SetsOfAnotherRuleAreSeen) {
  Draws draws(0, "test");
  const Tensor scores = draws.normal(50, 8), moved = scores + 1e-6 * draws.normal(50, 8);
  const Sets sets = top_sets(scores, 2), wrong = top_sets(-moved, 2);
  EXPECT_TRUE(refused([&](Findings& f) { margin_stability(scores, sets, moved, wrong, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { overlap_bound(scores, sets, moved, wrong, f); }));
  const Tensor tied = Tensor::Zero(5, 8), far = draws.normal(5, 8);
  EXPECT_TRUE(refused([&](Findings& f) {  // no row is safe: nothing was tested
    margin_stability(tied, top_sets(tied, 2), far, top_sets(far, 2), f);
  }));
}

TEST(MarginStability, ScoresThatAreNoNumbersAreSeen) {
  Draws draws(0, "test");
  const Tensor scores = draws.normal(50, 8);
  Tensor moved = scores + 1e-6 * draws.normal(50, 8);
  moved(7, 3) = std::nan("");
  const Sets sets = top_sets(scores, 2);  // as if no set had changed
  EXPECT_TRUE(refused([&](Findings& f) { margin_stability(scores, sets, moved, sets, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { overlap_bound(scores, sets, moved, sets, f); }));
  EXPECT_TRUE(std::isnan(set_margin(moved.row(7).transpose(), sets[7])));
}

TEST(MarginStability, ATieHasNoMarginToExceed) {
  const Tensor tied = Tensor::Zero(2, 4);
  EXPECT_TRUE(refused([&](Findings& f) { half_margin_is_sharp(tied, 2, f); }));
}

TEST(Radius, AWrongRadiusIsSeenFromBothSides) {
  Draws draws(0, "test");
  const Tensor gate = draws.normal(6, 5);
  const Vector input = draws.normal_vector(5);
  const Router route = [&](VectorView y) { return top_k(gate * y, 2); };
  const Radius radius = gate_radius(gate, gate * input, 2);
  const Tensor normal = radius.normal.transpose();
  EXPECT_TRUE(refused(
      [&](Findings& f) { constant_within(route, input, 1.01 * radius.length, normal, f); }));
  EXPECT_TRUE(refused(
      [&](Findings& f) { changes_beyond(route, input, 0.99 * radius.length, radius.normal, f); }));
  EXPECT_TRUE(refused(
      [&](Findings& f) { changes_beyond(route, input, radius.length, -radius.normal, f); }));
}

Mixture line_of_two() {  // experts tanh(y) and tanh(-y), the larger of y_0 and y_1 wins
  return {.gate = Tensor::Identity(2, 2),
          .bias = Vector::Zero(2),
          .experts = {Tensor::Identity(2, 2), -Tensor::Identity(2, 2)},
          .rule = WeightRule::full_softmax,
          .k = 1};
}

TEST(Mixture, CrossesWhereScoresTie) {
  const std::vector<Crossing> found = crossings(line_of_two(), Vector{{1, 0}}, Vector{{0, 3}}, 7);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].before, 0.25, 1e-14);
  const Vector at = output(line_of_two(), Vector{{0.75, 0.75}});
  EXPECT_NEAR(at[0], 0.5 * std::tanh(0.75), 1e-15);
}

TEST(Mixture, ASelectionBiasBreaksTheShortIdentity) {
  Draws draws(0, "test");
  Mixture mixture{.gate = draws.normal(5, 6),
                  .bias = Vector{{0.5, -0.5, 0.2, 0, -0.3}},
                  .experts = {},
                  .rule = WeightRule::normalised_sigmoid,
                  .k = 2};
  for (int e = 0; e < 5; ++e) mixture.experts.push_back(draws.normal(6, 6));
  const Vector from = draws.normal_vector(6), to = -from;
  EXPECT_FALSE(refused([&](Findings& f) { biased_jump_identity(mixture, from, to, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { jump_identity(mixture, from, to, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { jump_identity(mixture, from, from, f); }));  // no crossing
  EXPECT_TRUE(refused([&](Findings& f) { biased_jump_identity(mixture, from, from, f); }));
}

TEST(Mixture, EqualExpertsLeaveNoJump) {
  Mixture mixture = line_of_two();
  mixture.experts[1] = mixture.experts[0];
  EXPECT_TRUE(refused([&](Findings& f) {
    quotient_growth(mixture, Vector{{1, 0}}, Vector{{0, 1}}, f);
  }));
}

TEST(Mixture, BoundsNeedTheirConstants) {
  const Mixture mixture = line_of_two();
  const Vector from{{3, 0}}, to{{1, 0}};  // no crossing, a smooth change
  EXPECT_TRUE(refused([&](Findings& f) { path_bound(mixture, from, to, 0, f); }));
  const Tensor outputs = Tensor{{1, 0}, {1, 0}};
  EXPECT_TRUE(refused(  // the replacement scores higher: the order is the wrong one
      [&](Findings& f) {
        swap_cost(Vector{{0, 2}}, outputs, 0, 1, f);
      }));
}

TEST(Shares, PartsMustAddUp) {
  Draws draws(0, "test");
  const Tensor a = draws.normal(5, 8), b = draws.normal(5, 8);
  EXPECT_TRUE(refused([&](Findings& f) { additive_shares(a + b, a, 1.01 * b, f); }));
}

TEST(Shares, AShiftBeyondTheMantissaLosesTheLogits) {
  Draws draws(0, "test");
  const Tensor a = draws.normal(5, 8);
  EXPECT_TRUE(refused([&](Findings& f) { shift_without_effect(a, 1e18, 2, f); }));
}

TEST(Spearman, SeesOrderOnly) {
  const Vector x{{1, 2, 3, 4}}, y{{10, 20, 40, 30}};
  EXPECT_NEAR(spearman(x, y), 0.8, 1e-15);
  EXPECT_NEAR(spearman(Vector{{1, 1, 2}}, Vector{{1, 2, 3}}), std::sqrt(0.75), 1e-15);
  const Vector folded = (x.array() - 2.5).abs();
  EXPECT_TRUE(refused([&](Findings& f) { spearman_invariance(x, folded, y, f); }));
  EXPECT_TRUE(refused([&](Findings& f) {
    spearman_null(Vector{{1, 1, 1}}, Vector{{1, 2, 3}}, f);
  }));
}

}  // namespace
}  // namespace rg::theorems
