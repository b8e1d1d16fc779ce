// What keys can see of the router, against the theorems' fp64 versions and cases known by hand.
#include "readout/key_span.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "readout/determined.h"
#include "theorems/draws.h"
#include "theorems/key_only.h"
#include "theorems/linear.h"

namespace rg::readout {
namespace {

using linear::Matrix;
using theorems::Draws;
using theorems::Tensor;

TEST(KeySpanTest, RankConditionAndBasis) {
  Draws draws(1, "span");
  Matrix keys = draws.normal(6, 20);
  keys.row(5) = keys.row(0) - 2 * keys.row(3);  // rank 5
  const KeySpan span = key_span(keys);
  EXPECT_EQ(span.rank, 5u);
  EXPECT_EQ(span.values.size(), 6);
  const auto values = theorems::singular_values(Tensor(keys));
  EXPECT_NEAR(*span.condition(), values[0] / values[4], 1e-9 * *span.condition());
  EXPECT_LE((span.basis.transpose() * span.basis - Matrix::Identity(5, 5)).norm(), 1e-12);
  EXPECT_LE(hidden_part(span, keys).norm(), 1e-12 * keys.norm());
  // Taller than wide, of rank 3 and of full rank.
  const Matrix tall = Matrix(draws.normal(9, 3)) * Matrix(draws.normal(3, 4));
  EXPECT_EQ(key_span(tall).rank, 3u);
  EXPECT_LE(hidden_part(key_span(tall), tall).norm(), 1e-12 * tall.norm());
  const KeySpan full = key_span(draws.normal(9, 4));
  EXPECT_EQ(full.rank, 4u);
  EXPECT_EQ(hidden_part(full, tall).norm(), 0);
  const KeySpan none = key_span(Matrix::Zero(2, 4));
  EXPECT_EQ(none.rank, 0u);
  EXPECT_FALSE(none.condition().has_value());
  EXPECT_EQ(hidden_part(none, tall), tall);
}

TEST(KeySpanTest, ShareEqualsTheTheoremsAndItsNull) {
  Draws draws(2, "eta");
  double mean = 0;
  for (int i = 0; i < 200; ++i) {
    const Tensor keys = draws.normal(6, 24), gate = draws.normal(8, 24);
    const auto share = invisible_share(key_span(keys), gate);
    EXPECT_NEAR(share->eta, theorems::invisible_share(keys, gate), 1e-12);
    EXPECT_EQ(share->null, 0.75);
    mean += share->eta / 200;
  }
  EXPECT_NEAR(mean, 0.75, 0.01);
  // A common direction of all router rows doesn't count; without any other there is no share.
  const Tensor keys = draws.normal(6, 24), row = draws.normal(1, 24);
  const Tensor seen = draws.normal(8, 6) * keys + row.replicate(8, 1);
  EXPECT_NEAR(invisible_share(key_span(keys), seen)->eta, 0, 1e-24);
  EXPECT_FALSE(invisible_share(key_span(keys), Matrix::Constant(8, 24, 0.5)).has_value());
}

TEST(KeySpanTest, AnglesOfKnownPlanes) {
  // Keys see e0 and e1; the router's differences span cos t e0 + sin t e2, cos s e1 + sin s e3, e4.
  const double t = 1e-9, s = 1.0;
  Matrix keys = Matrix::Zero(2, 6), gate = Matrix::Zero(4, 6);
  keys(0, 0) = 3;
  keys(1, 0) = 1;
  keys(1, 1) = 0.5;
  gate.row(1) << std::cos(t), 0, std::sin(t), 0, 0, 0;
  gate.row(2) << 0, 2 * std::cos(s), 0, 2 * std::sin(s), 0, 0;
  gate.row(3) << 0, 0, 0, 0, 5, 0;
  const linear::Column angles = principal_angles(key_span(keys), gate);
  ASSERT_EQ(angles.size(), 2);
  EXPECT_NEAR(angles[0], t, 1e-14);
  EXPECT_NEAR(angles[1], s, 1e-12);
  EXPECT_EQ(principal_angles(key_span(Matrix::Identity(6, 6)), gate).norm(), 0);
}

TEST(ClosedFormTest, EqualsTheSchurComplement) {
  Draws draws(3, "closed");
  const Tensor keys = draws.normal(5, 12), gate = draws.normal(7, 12);
  const Tensor root = draws.normal(12, 12), sigma = root * root.transpose();
  const ClosedForm form = closed_form(sigma, keys, gate);
  EXPECT_FALSE(form.pseudo_inverse);
  EXPECT_NEAR(*form.eta, theorems::residue_share(keys, gate, sigma), 1e-10);
  const Matrix missed = expert_centred(gate) - form.readout * keys;
  EXPECT_LE((form.residual - missed * sigma * missed.transpose()).norm(),
            1e-9 * form.residual.norm());
  // A repeated key, one that doesn't vary, and inputs on fewer dimensions than keys.
  Tensor more(7, 12);
  more << keys, keys.row(2), Tensor::Zero(1, 12);
  const ClosedForm repeated = closed_form(sigma, more, gate);
  EXPECT_TRUE(repeated.pseudo_inverse);
  EXPECT_NEAR(*repeated.eta, *form.eta, 1e-9);
  const Tensor thin = draws.normal(12, 3), flat = thin * thin.transpose();
  EXPECT_NEAR(*closed_form(flat, keys, gate).eta, 0, 1e-9);
  EXPECT_FALSE(closed_form(Matrix::Zero(12, 12), keys, gate).eta.has_value());
}

// Rows (n, D), keys of which determine some routes only.
struct Determined {
  Tensor keys, gate, rows;
  explicit Determined(uint64_t seed) {
    Draws draws(seed, "determined");
    keys = draws.normal(7, 10);
    gate = draws.normal(6, 7) * keys + 0.3 * draws.normal(6, 10);
    rows = draws.normal(300, 10);
  }
};

TEST(DeterminedTest, EqualsTheTheorems) {
  const Determined of(4);
  const KeySpan span = key_span(of.keys);
  const PairLengths pairs = pair_lengths(span, of.gate);
  int determined = 0, at_zero = 0;
  for (const double epsilon : {0.0, 0.5}) {
    const std::vector<double> slacks =
        determinacy_slacks(span, of.gate, pairs, of.rows, epsilon, 2);
    for (Eigen::Index n = 0; n < of.rows.rows(); ++n) {
      const theorems::Vector x = of.rows.row(n).transpose();
      const theorems::KeyClass keyed = theorems::key_class(of.keys, x, epsilon);
      const double slack = theorems::determinacy(keyed, of.gate, x, keyed.rim, 2).slack;
      EXPECT_NEAR(slacks[static_cast<size_t>(n)], slack, 1e-10);
      determined += slacks[static_cast<size_t>(n)] >= 0 ? 1 : 0;
    }
    if (epsilon == 0) at_zero = determined;
  }
  EXPECT_GT(at_zero, 30);              // some tokens,
  EXPECT_LT(at_zero, 270);             // not all,
  EXPECT_LT(determined, 2 * at_zero);  // and fewer for a larger epsilon
}

TEST(DeterminedTest, FullKeysDecideAndNoKeysDont) {
  const Determined of(5);
  const KeySpan all = key_span(Matrix::Identity(10, 10));
  for (const double slack :
       determinacy_slacks(all, of.gate, pair_lengths(all, of.gate), of.rows, 1e-5, 2)) {
    EXPECT_GE(slack, 0);
  }
  const KeySpan none = key_span(Matrix::Zero(1, 10));
  for (const double slack :
       determinacy_slacks(none, of.gate, pair_lengths(none, of.gate), of.rows, 0, 2)) {
    EXPECT_LT(slack, 0);
  }
}

TEST(DeterminedTest, RatiosOfBoundaryPairs) {
  Matrix keys = Matrix::Zero(1, 3), gate = Matrix::Zero(4, 3);
  keys(0, 0) = 2;
  gate.row(1) << 3, 4, 0;  // against row 0: |g| = 5, hidden 4
  gate.row(2) << 3, 0, 0;  // seen whole
  const KeySpan span = key_span(keys);
  const std::vector<int32_t> ranked = {1, 0, 2, 0, 3, 0, 1, -1};  // k = 1
  const std::vector<double> ratios = boundary_ratios(pair_lengths(span, gate), ranked, 1);
  ASSERT_EQ(ratios.size(), 4u);
  EXPECT_NEAR(ratios[0], 1.25, 1e-14);
  EXPECT_TRUE(std::isinf(ratios[1]));
  EXPECT_TRUE(std::isnan(ratios[2]));
  EXPECT_TRUE(std::isnan(ratios[3]));
}

}  // namespace
}  // namespace rg::readout
