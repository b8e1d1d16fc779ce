// The Jensen floor's functions report what breaks their hypotheses.
#include "theorems/jensen_floor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

Tensor with_a_zero_key() {
  Draws draws(0, "jensen floor");
  Tensor keys = draws.normal(6, 8);
  keys.row(3).setZero();
  return keys;
}

TEST(JensenFloor, ReportsZeroKeys) {
  const Tensor keys = with_a_zero_key();
  using Function = void (*)(TensorView, Findings&);
  for (const Function function : {cosine_range, cosine_extremes, residual_energy, three_scales,
                                  variance_identity, aggregate_order, best_pattern_of_all}) {
    Findings findings;
    function(keys, findings);
    EXPECT_FALSE(findings.all_hold());
  }
}

TEST(JensenFloor, ReportsZeroAsTheSignOfZero) {
  Draws draws(1, "jensen floor");
  const Tensor keys = draws.sparse(10, 8, 2);
  Findings good, bad;
  cosine_formula(keys, sign_code(keys), good);
  cosine_formula(keys, keys.cwiseSign(), bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(JensenFloor, ReportsAWrongSign) {
  Draws draws(2, "jensen floor");
  const Tensor keys = draws.normal(10, 8);
  Tensor codes = sign_code(keys);
  codes(4, 4) = -codes(4, 4);
  Findings findings;
  cosine_formula(keys, codes, findings);
  EXPECT_FALSE(findings.all_hold());
}

// Magnitudes that differ by less than the cosine can show: the two sides of the equivalence part.
TEST(JensenFloor, ReportsAnEndReachedWithoutItsForm) {
  Tensor keys = Tensor::Ones(1, 8);
  keys(0, 2) += 1e-9;
  Findings findings;
  cosine_extremes(keys, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(JensenFloor, ReportsPatternsThatAreNotSigns) {
  Draws draws(3, "jensen floor");
  const Tensor key = draws.normal(1, 8).rowwise().normalized();
  Findings signs, finer;
  best_pattern(key, draws.signs(20, 8), signs);
  best_pattern(key, std::sqrt(8.0) * key.cwiseAbs(), finer);  // a code that is the key itself
  EXPECT_TRUE(signs.all_hold());
  EXPECT_FALSE(finer.all_hold());
}

TEST(JensenFloor, ReportsAttentionThatOneBitDoesNotBlunt) {
  Draws draws(4, "jensen floor");
  Findings findings;
  scales_in_attention(draws.signs(20, 16), 0.25, findings);  // the code is the key itself
  EXPECT_FALSE(findings.all_hold());
}

}  // namespace
}  // namespace rg::theorems
