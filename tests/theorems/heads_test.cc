// The functions that the MH checks call report a broken hypothesis.
#include "theorems/heads.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

class Heads : public testing::Test {
 protected:
  Draws draws{0, "test"};
  Tensor inputs = draws.normal(6, 8);
  AttentionLayer layer{.heads = 2,
                       .kv_heads = 1,
                       .query = draws.normal(8, 8),
                       .key = draws.normal(4, 8),
                       .value = draws.normal(4, 8),
                       .output = draws.normal(8, 8),
                       .rotary = {.frequencies = Vector{{1.0, 0.1}}, .unrotated = 0},
                       .query_gauge = {},
                       .key_gauge = {}};
  Tensor turn = draws.rotation(4), identity = Tensor::Identity(4, 4);
};

TEST_F(Heads, ARotationAcrossPlanesFoldsBehindRopeOnly) {
  EXPECT_TRUE(refused([&](Findings& f) { folded_bundle(layer, inputs, {turn}, {turn}, f); }));
  EXPECT_FALSE(refused([&](Findings& f) { online_bundle(layer, inputs, {turn}, {turn}, f); }));
  const Tensor singular = Tensor::Ones(4, 4);
  EXPECT_TRUE(refused([&](Findings& f) { online_bundle(layer, inputs, {singular}, {turn}, f); }));
}

TEST_F(Heads, AttentionIsCausalAndGrouped) {
  Tensor other = inputs;
  other.row(5) *= 3;
  const Tensor before = attend(layer, inputs), after = attend(layer, other);
  EXPECT_EQ(before.topRows(5), after.topRows(5));
  EXPECT_NE(before.row(5), after.row(5));
  layer.query.bottomRows(4) = layer.query.topRows(4);  // both heads read the same keys and values
  layer.output.rightCols(4) = -layer.output.leftCols(4);
  EXPECT_LT(attend(layer, inputs).norm(), 1e-12 * before.norm());
}

TEST_F(Heads, ARotationAcrossHeadsIsNoBundle) {
  const Tensor across = draws.rotation(8);
  EXPECT_TRUE(refused([&](Findings& f) { head_bundle(across, 2, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { head_mixing(1.1 * across, 2, f); }));
}

TEST_F(Heads, SharingCostsSomething) {
  Findings findings;
  exact_cost_of_sharing({Tensor{{1, 1}}, Tensor{{1, 0}}}, findings);
  ASSERT_EQ(findings.list().size(), 1u);
  EXPECT_NEAR(findings.list()[0].bound, 2 + std::sqrt(2.0), 1e-12);  // each on its diagonal
  EXPECT_LT(findings.list()[0].value, findings.list()[0].bound - 0.1);
}

}  // namespace
}  // namespace rg::theorems
