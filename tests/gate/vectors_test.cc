// Hand-checked vectors, computed in double precision from the families' formulas.
#include <array>

#include "support.h"

namespace rg::gate {
namespace {

const std::vector<float> kLogits = {1.0f, -0.5f, 2.0f, 0.25f, 0.0f, 1.5f, -1.0f, 0.75f};
const std::vector<float> kBias = {0.0f, 0.9f, -0.6f, 0.0f, 0.3f, -0.5f, 0.2f, 0.1f};
const std::vector<double> kSoftmax = {0.13615602, 0.03038052, 0.37011044, 0.06431555,
                                      0.05008900, 0.22448333, 0.01842671, 0.10603842};
const std::vector<double> kBiasedSigmoid = {0.73105858, 1.27754067, 0.28079708, 0.56217650,
                                            0.8,        0.31757448, 0.46894142, 0.77917870};
constexpr double kTolerance = 4e-7;

using Ids = std::vector<int32_t>;

void expect_near(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], kTolerance * std::max(1.0, expected[i])) << "entry " << i;
  }
}

bool is_near(const std::vector<float>& found, const std::vector<double>& expected) {
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::abs(found[i] - expected[i]) > 1e-3) return false;
  }
  return true;
}

TEST(GateVectors, OlmoeUsesTheSelectedProbabilitiesAsTheyAre) {
  const Decision made = run(olmoe_gate(8, 2), kLogits);
  EXPECT_EQ(made.ranked, (Ids{2, 5, 0}));
  expect_near(made.weights, {0.3701104444, 0.2244833320});
  expect_near(made.scores, kSoftmax);
  EXPECT_NEAR(made.margin, 0.22448333 - 0.13615602, kTolerance);
  EXPECT_EQ(made.margin_logit, 0.5f);
  EXPECT_TRUE(std::isnan(made.margin_group));
  EXPECT_EQ(made.eligible, 8u);
  EXPECT_FALSE(is_near(made.weights, {0.6224593312, 0.3775406688}));
}

TEST(GateVectors, Qwen3AndMixtralDivideByTheSum) {
  const Decision made = run(qwen3_gate(8, 2), kLogits);
  EXPECT_EQ(made.selected(), (Ids{2, 5}));
  expect_near(made.weights, {0.6224593312, 0.3775406688});
}

TEST(GateVectors, GptOssAndGraniteTakeASoftmaxOverTheSelectedLogits) {
  const Decision made = run(gpt_oss_gate(8, 4), kLogits);
  EXPECT_EQ(made.ranked, (Ids{2, 5, 0, 7, 3}));
  expect_near(made.weights, {0.4422988238, 0.2682677974, 0.1627126441, 0.1267207347});
  EXPECT_EQ(made.scores, kLogits);
  EXPECT_EQ(made.margin, 0.5f);
  EXPECT_EQ(made.margin_logit, 0.5f);
}

TEST(GateVectors, Llama4TakesTheSigmoidAfterSelection) {
  const Decision made = run(llama4_gate(8), kLogits);
  EXPECT_EQ(made.ranked, (Ids{2, 5}));
  expect_near(made.weights, {0.8807970780});
  EXPECT_EQ(made.margin, 0.5f);
}

GateSpec phi_gate(float width) {
  GateSpec spec = olmoe_gate(8, 2);
  spec.score = Score::logits;
  spec.weigh = Weigh::sparsemixer;
  spec.epsilon = width;
  return spec;
}

TEST(GateVectors, Phi35WeighsEachAmongTheLogitsNearIt) {
  const Decision made = run(phi_gate(0.26f), kLogits);
  EXPECT_EQ(made.ranked, (Ids{2, 5, 0}));
  expect_near(made.weights, {0.5064803911, 0.4810242633});
}

TEST(GateVectors, SparsemixerCountsEqualLogitsOfZeroAsNear) {
  const std::vector<float> logits = {0, -1, 0, 0, -1, -1, -1, -1};
  const Decision made = run(phi_gate(0.01f), logits);
  EXPECT_EQ(made.ranked, (Ids{0, 2, 3}));
  expect_near(made.weights, {1 / 3.0, 1 / 2.0});
}

TEST(GateVectors, DeepSeekV3RanksBiasedAndWeighsUnbiased) {
  const Decision made = run(deepseek_v3_gate(8, 3), kLogits, kBias);
  EXPECT_EQ(made.ranked, (Ids{1, 7, 0, 6}));
  expect_near(made.weights, {0.5279468145, 0.9497525972, 1.0223005883});
  EXPECT_EQ(made.eligible, 4u);
  EXPECT_NEAR(made.margin, 0.73105858 - 0.46894142, kTolerance);
  EXPECT_EQ(made.margin_logit, 2.0f);  // z_0 - z_6
  EXPECT_NEAR(made.margin_group, 1.248120 - 1.117574, 2e-6);
  for (const size_t e : {2u, 3u, 4u, 5u}) EXPECT_EQ(made.scores[e], -INFINITY) << e;
  for (const size_t e : {0u, 1u, 6u, 7u})
    EXPECT_NEAR(made.scores[e], kBiasedSigmoid[e], kTolerance);
  EXPECT_FALSE(is_near(made.weights, {1.1456621483, 0.6987453037, 0.6555925477}))
      << "weights must not come from the biased scores";
}

TEST(GateVectors, TheGroupScoreOfDeepSeekV2SelectsOtherGroups) {
  GateSpec spec = deepseek_v3_gate(8, 3);
  spec.group_score = GroupScore::max;
  const Decision made = run(spec, kLogits, kBias);
  EXPECT_EQ(made.selected(), (Ids{1, 4, 0}));
  expect_near(made.weights, {0.5867537695, 0.7770735949, 1.1361726356});
  EXPECT_NE(made.selected(), run(deepseek_v3_gate(8, 3), kLogits, kBias).selected());
}

TEST(GateVectors, MaskedGroupsStayOutWhenEveryEligibleScoreIsNegative) {
  std::vector<float> lowered = kBias;
  for (float& b : lowered) b -= 1.2f;
  const Decision made = run(deepseek_v3_gate(8, 3), kLogits, lowered);
  EXPECT_EQ(made.selected(), (Ids{1, 7, 0}));
  expect_near(made.weights, {0.5279468145, 0.9497525972, 1.0223005883});
  EXPECT_NE(made.selected(), (Ids{1, 2, 3})) << "what a mask of 0 instead of -inf selects";
}

TEST(GateVectors, ErnieRanksBiasedSoftmaxAndGuardsTheSum) {
  const std::vector<float> bias = {0.3f, 0.0f, -0.4f, 0.0f, 0.0f, 0.0f, 0.0f, 0.25f};
  const Decision made = run(ernie_gate(8, 2), kLogits, bias);
  EXPECT_EQ(made.selected(), (Ids{0, 7}));
  const double sum = kSoftmax[0] + kSoftmax[7];
  expect_near(made.weights, {kSoftmax[0] / sum, kSoftmax[7] / sum});
  std::vector<float> far(8, -200.0f);  // softmax of the selected underflows to 0
  far[2] = 0.0f;
  const Decision guarded = run(ernie_gate(8, 2), far, {1, 1, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(guarded.selected(), (Ids{0, 1}));
  EXPECT_EQ(guarded.weights, (std::vector<float>{0.0f, 0.0f}));
}

TEST(GateVectors, ScalingComesAfterNormalisation) {
  GateSpec spec = qwen3_gate(8, 2);
  spec.scaling = 4.0f;
  expect_near(run(spec, kLogits).weights, {4 * 0.6224593312, 4 * 0.3775406688});
}

TEST(GateVectors, TheMarginIsUndefinedWithoutAnEligibleCompetitor) {
  const Decision all = run(olmoe_gate(8, 8), kLogits);
  EXPECT_TRUE(std::isnan(all.margin));
  EXPECT_TRUE(std::isnan(all.margin_logit));
  EXPECT_EQ(all.ranked.back(), -1);
  EXPECT_EQ(all.selected(), (Ids{2, 5, 0, 7, 3, 4, 1, 6}));
  const Decision grouped = run(deepseek_v3_gate(8, 4), kLogits, kBias);
  EXPECT_EQ(grouped.ranked, (Ids{1, 7, 0, 6, -1}));
  EXPECT_TRUE(std::isnan(grouped.margin));
  EXPECT_FALSE(std::isnan(grouped.margin_group));
  GateSpec all_groups = deepseek_v3_gate(8, 3);
  all_groups.groups_kept = 4u;
  EXPECT_TRUE(std::isnan(run(all_groups, kLogits, kBias).margin_group));
}

TEST(GateVectors, SelectAgreesWithDecide) {
  for (const GateSpec& spec :
       {olmoe_gate(8, 2), gpt_oss_gate(8, 4), deepseek_v3_gate(8, 3), ernie_gate(8, 2)}) {
    Ids top(spec.top_k);
    select(spec, kLogits, kBias, top);
    EXPECT_EQ(top, run(spec, kLogits, kBias).selected()) << score_space(spec);
  }
}

TEST(GateVectors, OverlapCountsSharedExperts) {
  const std::array<int32_t, 3> a = {4, 0, 7}, b = {7, 1, 4}, c = {2, 3, 5};
  EXPECT_EQ(overlap(a, b), 2u);
  EXPECT_EQ(overlap(a, a), 3u);
  EXPECT_EQ(overlap(a, c), 0u);
}

}  // namespace
}  // namespace rg::gate
