// The functions that the RR checks call report a broken hypothesis.
#include "theorems/residual.h"

#include <gtest/gtest.h>

#include "theorems/draws.h"
#include "theorems/one_bit.h"
#include "theorems/refused.h"

namespace rg::theorems {
namespace {

class ResidualCode : public testing::Test {
 protected:
  Draws draws{0, "test"};
  Tensor keys = draws.normal(30, 8);
};

TEST_F(ResidualCode, TruncationKeepsTheLargestDirections) {
  const Tensor matrix = Vector{{3, 2, 1}}.asDiagonal();
  const Tensor expected = Vector{{3, 2, 0}}.asDiagonal();
  EXPECT_LT((truncated(matrix, 2) - expected).norm(), 1e-14);
  EXPECT_NEAR(captured_share(matrix, 2), 13.0 / 14, 1e-14);
}

TEST_F(ResidualCode, OneMoreRankIsBetter) {
  EXPECT_TRUE(refused([&](Findings& f) { no_better(keys, truncated(keys, 3), 2, f); }));
}

TEST_F(ResidualCode, TheProductNeedsTheBestScale) {
  EXPECT_TRUE(refused([&](Findings& f) { post_correction(keys, 1.1 * mmse_code(keys), 2, f); }));
  const Tensor rest = keys - truncated(keys, 2);
  EXPECT_TRUE(refused([&](Findings& f) { pre_correction(keys, 1.1 * mmse_code(rest), 2, f); }));
  EXPECT_TRUE(refused([&](Findings& f) { pre_correction(keys, mmse_code(keys), 2, f); }));
}

TEST_F(ResidualCode, TheSharesOfTheKeysNeedARotation) {
  Tensor stretched = draws.rotation(8);
  stretched.row(0) *= 2;
  EXPECT_TRUE(refused([&](Findings& f) { key_share_is_invariant(keys, stretched, 1, f); }));
}

TEST_F(ResidualCode, ACommonDirectionIsNotWhite) {
  Tensor directed = draws.normal(200, 8);
  directed.col(3) *= 5;
  const Tensor white = draws.normal(200, 8), other = directed.bottomRows(100);
  EXPECT_TRUE(refused([&](Findings& f) { white_residual(directed, white, 1, f); }));  // in sample
  EXPECT_TRUE(refused([&](Findings& f) { white_residual(directed, other, 1, f); }));  // held out
}

}  // namespace
}  // namespace rg::theorems
