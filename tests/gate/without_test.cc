// Decisions without some experts, and weights of sets that the gate didn't choose.
#include <algorithm>
#include <random>

#include "support.h"

namespace rg::gate {
namespace {

Decision run_without(const std::vector<int32_t>& masked, const GateSpec& spec,
                     const std::vector<float>& logits, const std::vector<float>& bias) {
  Decision made{std::vector<float>(spec.experts),
                std::vector<float>(spec.top_k),
                std::vector<int32_t>(spec.top_k + 1),
                0,
                0,
                0,
                0};
  DecisionView view{made.scores, made.ranked, made.weights, 0, 0, 0, 0};
  decide_without(masked, spec, logits, bias, view);
  made.eligible = view.eligible;
  return made;
}

std::vector<float> draws(std::mt19937& random, size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<float> without(const std::vector<int32_t>& masked, const std::vector<float>& values) {
  std::vector<float> rest;
  for (size_t e = 0; e < values.size(); ++e) {
    if (std::count(masked.begin(), masked.end(), static_cast<int32_t>(e)) == 0) {
      rest.push_back(values[e]);
    }
  }
  return rest;
}

GateSpec phimoe_gate() {
  GateSpec spec = olmoe_gate(16, 2);
  spec.score = Score::logits;
  spec.weigh = Weigh::sparsemixer;
  spec.epsilon = 0.5f;
  return spec;
}

// A smaller gate that has the remaining experts only chooses the same and weighs them alike.
TEST(DecideWithout, IsTheGateOfTheRemainingExperts) {
  std::mt19937 random(7);
  const std::vector<int32_t> masked = {0, 3, 11, 12};
  for (const GateSpec& spec : {olmoe_gate(16, 4), qwen3_gate(16, 4), gpt_oss_gate(16, 4),
                               llama4_gate(16), ernie_gate(16, 4), phimoe_gate()}) {
    GateSpec smaller = spec;
    smaller.experts = 12u;
    size_t otherwise = 0;
    for (int row = 0; row < 200; ++row) {
      const std::vector<float> logits = draws(random, 16), bias = draws(random, 16);
      const Decision rest = run_without(masked, spec, logits, bias);
      const Decision small = run(smaller, without(masked, logits), without(masked, bias));
      const Decision plain = run(spec, logits, bias);
      std::vector<int32_t> names;
      for (int32_t e = 0; e < 16; ++e) {
        if (std::count(masked.begin(), masked.end(), e) == 0) names.push_back(e);
      }
      for (size_t i = 0; i <= spec.top_k; ++i) {
        ASSERT_EQ(rest.ranked[i], names[static_cast<size_t>(small.ranked[i])]);
      }
      for (size_t i = 0; i < spec.top_k; ++i) {
        ASSERT_NEAR(rest.weights[i], small.weights[i], 1e-6);
      }
      EXPECT_EQ(rest.eligible, 12u);
      otherwise += rest.ranked != plain.ranked ? 1u : 0u;
    }
    EXPECT_GT(otherwise, 40u);
  }
}

// Eight groups of two, four kept, by the sum of their two best: with one expert masked, its group
// has the score of the other alone; with both, the group is gone.
TEST(DecideWithout, GroupsAreScoredByWhatIsLeftOfThem) {
  const GateSpec spec = deepseek_v3_gate(16, 2);
  const std::vector<float> bias(16);
  std::vector<float> logits(16, -4.0f);
  for (size_t g = 0; g < 5; ++g) logits[2 * g] = logits[2 * g + 1] = 2.0f - static_cast<float>(g);
  logits[2] = 1.9f;
  EXPECT_EQ(run(spec, logits, bias).ranked, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(run_without({0}, spec, logits, bias).ranked, (std::vector<int32_t>{1, 2, 3}));
  const Decision gone = run_without({0, 1, 4, 5}, spec, logits, bias);
  EXPECT_EQ(gone.ranked, (std::vector<int32_t>{2, 3, 6}));
  EXPECT_EQ(gone.eligible, 8u);
  // Groups 0 and 1 outbid the others in pairs; one expert each doesn't: group 4 comes in.
  std::vector<float> pairs(16, 0.0f);
  for (size_t g = 0; g < 4; ++g) pairs[2 * g] = pairs[2 * g + 1] = 0.5f;
  const Decision halved = run_without({0, 2}, spec, pairs, bias);
  EXPECT_EQ(halved.selected(), (std::vector<int32_t>{4, 5}));
  EXPECT_EQ(halved.eligible, 8u);
  EXPECT_EQ(run(spec, pairs, bias).selected(), (std::vector<int32_t>{0, 1}));
}

TEST(DecideWithout, NeverSelectsAMaskedExpertEvenBeforeNan) {
  const GateSpec spec = olmoe_gate(4, 2);
  const std::vector<float> logits(4, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(run_without({0}, spec, logits, {}).ranked, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(run_without({0, 2}, spec, logits, {}).ranked, (std::vector<int32_t>{1, 3, -1}));
}

TEST(DecideWithout, NobodyIsTheDecisionItself) {
  std::mt19937 random(8);
  for (const GateSpec& spec : {olmoe_gate(16, 4), deepseek_v3_gate(16, 4), phimoe_gate()}) {
    for (int row = 0; row < 50; ++row) {
      const std::vector<float> logits = draws(random, 16), bias = draws(random, 16);
      const Decision plain = run(spec, logits, bias), none = run_without({}, spec, logits, bias);
      EXPECT_EQ(plain.ranked, none.ranked);
      EXPECT_EQ(plain.weights, none.weights);
      std::vector<float> weights(spec.top_k);
      weigh(spec, {}, logits, plain.selected(), weights);
      EXPECT_EQ(weights, plain.weights);
    }
  }
}

// The gate's own weights of a set that it would choose if the other experts were out of reach.
TEST(Weigh, OfAnotherSetIsTheGatesOwnRule) {
  const std::vector<float> logits = {0.9f, -0.3f, 1.4f, 0.2f};
  const std::vector<int32_t> set = {0, 3};
  const auto weights_of = [&](const GateSpec& spec) {
    std::vector<float> weights(2);
    weigh(spec, {}, logits, set, weights);
    return weights;
  };
  double all = 0;
  for (const float z : logits) all += std::exp(double{z});
  const double first = std::exp(0.9), second = std::exp(0.2);
  EXPECT_NEAR(weights_of(olmoe_gate(4, 2))[1], second / all, 1e-6);
  EXPECT_NEAR(weights_of(qwen3_gate(4, 2))[1], second / (first + second), 1e-6);
  EXPECT_NEAR(weights_of(gpt_oss_gate(4, 2))[0], first / (first + second), 1e-6);
  // Within 2 epsilon of 0.9 are 1.4, which isn't selected before it, and 0.2, but not -0.3.
  GateSpec mixer = phimoe_gate();
  mixer.experts = 4u;
  EXPECT_NEAR(weights_of(mixer)[0], first / (first + second + std::exp(1.4)), 1e-6);
  const std::vector<int32_t> masked = {2};
  std::vector<float> rest(2);
  weigh(mixer, masked, logits, set, rest);
  EXPECT_NEAR(rest[0], first / (first + second), 1e-6);
  weigh(olmoe_gate(4, 2), masked, logits, set, rest);
  EXPECT_NEAR(rest[0], first / (all - std::exp(1.4)), 1e-6);
}

}  // namespace
}  // namespace rg::gate
