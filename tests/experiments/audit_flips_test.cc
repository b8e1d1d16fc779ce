// One decision of two runs side by side, on hand-made decisions.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "experiments/audit/flips.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

// A's decision from its own logits; B's choice is said.
class Compared {
 public:
  Compared(gate::GateSpec spec, std::vector<float> logits)
      : spec_(std::move(spec)),
        logits_(std::move(logits)),
        scores_(spec_.experts),
        ranked_(spec_.top_k + 1),
        weights_(spec_.top_k),
        decision_{.scores = scores_,
                  .ranked = ranked_,
                  .weights = weights_,
                  .margin = 0,
                  .margin_logit = 0,
                  .margin_group = 0,
                  .eligible = 0} {
    gate::decide(spec_, logits_, {}, decision_);
  }
  Compared(const Compared&) = delete;

  Flip with(const std::vector<int32_t>& b) const { return with(b, weights_); }
  Flip with(const std::vector<int32_t>& b, const std::vector<float>& weights) const {
    const auto own = std::span<const int32_t>(ranked_).first(spec_.top_k);
    return compare_choices(spec_, decision_, {own, weights_}, {b, weights});
  }
  const std::vector<float>& weights() const { return weights_; }

 private:
  gate::GateSpec spec_;
  std::vector<float> logits_, scores_;
  std::vector<int32_t> ranked_;
  std::vector<float> weights_;
  gate::DecisionView decision_;
};

gate::GateSpec logits_spec(uint32_t experts, uint32_t k) {
  gate::GateSpec spec = softmax_spec(experts, k);
  spec.score = gate::Score::logits;
  spec.weigh = gate::Weigh::selected_softmax;
  return spec;
}

// Ranks 0, 1, 2 ... are experts 7, 6, 5 ...: scores 7, 6, 5, ...
Compared descending() { return {logits_spec(8, 2), {0, 1, 2, 3, 4, 5, 6, 7}}; }

TEST(AuditFlips, AnEqualSetIsNoFlip) {
  const Compared a = descending();
  const Flip same = a.with({7, 6});
  EXPECT_EQ(same.mass, 0u);
  EXPECT_EQ(same.distance, FlipDistance::none);
  EXPECT_FALSE(same.reordered);
  EXPECT_FALSE(same.reweighted);
  EXPECT_EQ(same.depth_n, 0u);
}

TEST(AuditFlips, AnotherOrderAndOtherWeightsAreSaidApart) {
  const Compared a = descending();
  const float first = a.weights()[0], second = a.weights()[1];
  const Flip order = a.with({6, 7}, {second, first});
  EXPECT_EQ(order.mass, 0u);
  EXPECT_TRUE(order.reordered);
  EXPECT_FALSE(order.reweighted);  // each expert has the weight that it had
  const Flip weight = a.with({7, 6}, {first, std::nextafter(second, 1.0f)});
  EXPECT_FALSE(weight.reordered);
  EXPECT_TRUE(weight.reweighted);
  const Flip swapped = a.with({6, 7}, {first, second});
  EXPECT_TRUE(swapped.reordered);
  EXPECT_TRUE(swapped.reweighted);
}

TEST(AuditFlips, TheNextExpertInThePlaceOfTheLastIsANeighbour) {
  const Flip flip = descending().with({7, 5});
  EXPECT_EQ(flip.mass, 1u);
  EXPECT_EQ(flip.distance, FlipDistance::neighbour);
  EXPECT_EQ(flip.depth_sum, 1);
  EXPECT_EQ(flip.depth_n, 1u);
  EXPECT_FALSE(flip.reordered);
}

TEST(AuditFlips, AnyOtherWithinTwoKIsInTheMiddle) {
  EXPECT_EQ(descending().with({6, 5}).distance, FlipDistance::middle);  // e_1 leaves
  EXPECT_EQ(descending().with({7, 4}).distance, FlipDistance::middle);  // rank 4 enters
  const Flip both = descending().with({4, 5});
  EXPECT_EQ(both.mass, 2u);
  EXPECT_EQ(both.distance, FlipDistance::middle);
  EXPECT_EQ(both.depth_sum, 1 + 2);
  EXPECT_EQ(both.depth_n, 2u);
}

TEST(AuditFlips, AnExpertFromBeyondTwoKIsFar) {
  const Flip far = descending().with({7, 3});  // rank 5
  EXPECT_EQ(far.distance, FlipDistance::far);
  EXPECT_EQ(far.depth_sum, 3);
  EXPECT_EQ(descending().with({5, 0}).distance, FlipDistance::far);
}

TEST(AuditFlips, EqualScoresRankByIndex) {
  const Compared a(logits_spec(8, 2), {9, 9, 1, 1, 1, 1, 1, 1});
  EXPECT_EQ(a.with({0, 2}).distance, FlipDistance::neighbour);
  EXPECT_EQ(a.with({0, 3}).distance, FlipDistance::middle);  // rank 4
  EXPECT_EQ(a.with({0, 4}).distance, FlipDistance::far);     // rank 5
}

TEST(AuditFlips, AnExpertThatMayNotBeSelectedStandsLastAndHasNoDepth) {
  gate::GateSpec spec = softmax_spec(8, 2);
  spec.score = gate::Score::sigmoid;
  spec.groups = 4u;
  spec.groups_kept = 2u;
  spec.group_score = gate::GroupScore::max;
  // Groups {0,1} and {2,3} are kept.
  const Compared a(spec, {4, 3, 2, 1, 0, 0, -1, -2});
  const Flip masked = a.with({0, 6});
  EXPECT_EQ(masked.mass, 1u);
  EXPECT_EQ(masked.distance, FlipDistance::far);  // E = 8 > 2k
  EXPECT_EQ(masked.depth_n, 0u);
  EXPECT_EQ(masked.depth_sum, 0);
  const Flip kept = a.with({0, 3});
  EXPECT_EQ(kept.distance, FlipDistance::middle);
  EXPECT_EQ(kept.depth_n, 1u);
  EXPECT_GT(kept.depth_sum, 0);
}

TEST(AuditFlips, ScoresThatAreNotFiniteHaveNoDepth) {
  const float minus = -std::numeric_limits<float>::infinity();
  const Compared a(logits_spec(6, 2), {5, 4, 3, 2, minus, minus});
  const Flip flip = a.with({0, 4});
  EXPECT_EQ(flip.distance, FlipDistance::far);  // rank 5
  EXPECT_EQ(flip.depth_n, 0u);
  const Flip mixed = a.with({2, 4});
  EXPECT_EQ(mixed.depth_n, 1u);
  EXPECT_EQ(mixed.depth_sum, 1);
}

TEST(AuditFlips, SetDistanceCountsWhatIsMissing) {
  const std::vector<int32_t> a = {3, 1, 2}, b = {2, 3, 9}, c = {7, 8, 9};
  EXPECT_EQ(set_distance(a, a), 0u);
  EXPECT_EQ(set_distance(a, b), 1u);
  EXPECT_EQ(set_distance(a, c), 3u);
  EXPECT_EQ(set_distance(b, c), 2u);
}

}  // namespace
}  // namespace rg::experiments::testing
