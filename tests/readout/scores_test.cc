// Splits, true routes, scores, and the Gaussian ceiling.
#include "readout/scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "readout/ceiling.h"
#include "readout/tables.h"
#include "stats/pinned_math.h"

namespace rg::readout {
namespace {

using theorems::Draws;
using theorems::Tensor;

TEST(SplitTest, WholeDocumentsInTheSharesAsked) {
  const std::vector<Part> parts = split_documents(50, {}, 7);
  EXPECT_EQ(std::count(parts.begin(), parts.end(), Part::test), 10);
  EXPECT_EQ(std::count(parts.begin(), parts.end(), Part::validation), 5);
  EXPECT_EQ(parts, split_documents(50, {}, 7));
  EXPECT_NE(parts, split_documents(50, {}, 8));
  const std::vector<Part> three = split_documents(3, {}, 1);
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    EXPECT_EQ(std::count(three.begin(), three.end(), part), 1);
  }
  std::vector<uint32_t> documents;
  for (uint32_t d = 0; d < 50; ++d) documents.insert(documents.end(), d % 3 + 1, d);
  std::vector<uint32_t> all;
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    for (const Part other : {Part::train, Part::validation, Part::test}) {
      EXPECT_EQ(apart(rows_of(part, parts, documents), rows_of(other, parts, documents), documents),
                part != other);
    }
    const std::vector<uint32_t> rows = rows_of(part, parts, documents);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, all_rows(documents.size()));
}

// Four experts, k = 2; two documents of two rows.
struct ByHand {
  gate::GateSpec spec = gate::olmoe_gate(4, 2);
  Gate gate = {.spec = spec, .selection_bias = {}, .scale_per_expert = {}};
  std::vector<float> logits = {4, 3, 1, 0,   // {0, 1}
                               0, 1, 3, 4,   // {3, 2}
                               2, 0, 5, 1,   // {2, 0}
                               0, 6, 1, 5};  // {1, 3}
  Routes routes = routes_of(gate, logits);
  std::vector<uint32_t> documents = {0, 0, 1, 1};
  std::vector<uint32_t> rows = {0, 1, 2, 3};
  MarginEdges edges = margin_edges(routes, rows);
  std::vector<double> mean = mean_logits(routes, rows);
  Scored scored() const {
    return {.truth = routes,
            .rows = rows,
            .document_of_row = documents,
            .edges = edges,
            .mean_logits = mean};
  }
};

TEST(ScoreTest, ByHand) {
  const ByHand of;
  const std::vector<float> predicted = {4, 3, 1, 0,   // right
                                        0, 1, 4, 3,   // right set, other first expert
                                        5, 0, 1, 2,   // {0, 3}: half
                                        6, 0, 5, 1};  // {0, 2}: none
  const auto scores = score_predictions(of.gate, of.scored(), predicted);
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[1].document, 1u);
  const ScoreSums first = scores[0].total(), second = scores[1].total();
  EXPECT_EQ(first.rows, 2);
  EXPECT_EQ(first.overlap, 2);
  EXPECT_EQ(first.exact, 2);
  EXPECT_EQ(first.top1, 1);
  EXPECT_NEAR(first.mass, 2, 1e-6);
  EXPECT_EQ(second.overlap, 0.5);
  EXPECT_EQ(second.exact, 0);
  EXPECT_EQ(second.top1, 0);
  EXPECT_NEAR(second.mass, 1 / (1 + std::exp(3.0)), 1e-6);  // of logits 5 and 2 the 2
  EXPECT_EQ(second.hits[0], 0.5);
  EXPECT_EQ(second.hits[1], 2);  // budget 2k = E
  EXPECT_EQ(second.hits[3], 2);
  EXPECT_EQ(first.error, 2);  // row 1: two entries off by 1
  const ScoreSums perfect = total_of(score_predictions(of.gate, of.scored(), of.logits));
  EXPECT_EQ(perfect.exact, 4);
  EXPECT_EQ(perfect.error, 0);
  EXPECT_GT(perfect.energy, 0);
}

TEST(ScoreTest, AShiftOfAllLogitsChangesNothing) {
  const ByHand of;
  std::vector<float> shifted = of.logits;
  for (float& z : shifted) z += 8;
  const ScoreSums sums = total_of(score_predictions(of.gate, of.scored(), shifted));
  EXPECT_EQ(sums.exact, 4);
  EXPECT_NEAR(sums.error, 0, 1e-10);
}

TEST(ScoreTest, ConstantGuessIsTheMostPopularSet) {
  Draws draws(1, "popular");
  Tensor logits = draws.normal(600, 8);
  logits.col(6).array() += 2;
  logits.col(3).array() += 1;
  const Planted planted(Table(gate::olmoe_gate(8, 2), draws.normal(600, 3), logits, 10));
  const std::vector<double> pi = popularity(planted.routes, all_rows(600));
  double sum = 0, squares = 0;
  for (const double share : pi) {
    sum += share;
    squares += share * share / 2;
  }
  EXPECT_NEAR(sum, 2, 1e-12);
  EXPECT_NEAR(chance_overlap(pi, pi, 2), squares, 1e-12);
  EXPECT_GT(squares, 0.25);
  EXPECT_EQ(by_popularity(pi)[0], 6);
  EXPECT_EQ(by_popularity(pi)[1], 3);
  // On its own rows the constant set overlaps by the mean of its two shares: RG-2 (c).
  const MarginEdges edges = margin_edges(planted.routes, all_rows(600));
  const std::vector<uint32_t> rows = all_rows(600);
  const std::vector<double> mean = mean_logits(planted.routes, rows);
  const Scored scored = {.truth = planted.routes,
                         .rows = rows,
                         .document_of_row = planted.table.documents,
                         .edges = edges,
                         .mean_logits = mean};
  const auto scores = score_constant(scored, by_popularity(pi));
  EXPECT_EQ(scores.size(), 60u);
  EXPECT_NEAR(mean_overlap(scores), (pi[6] + pi[3]) / 2, 1e-12);
  EXPECT_NEAR(r_squared(scores), 0, 1e-12);
  const ScoreSums total = total_of(scores);
  EXPECT_EQ(total.hits[0], total.overlap);
  EXPECT_GT(total.hits[1], total.hits[0]);
  EXPECT_EQ(total.hits[2], 600);
  // Every decile holds a tenth, and the last the largest margins.
  std::array<double, kDeciles> counts = {};
  for (const DocumentScores& document : scores) {
    for (uint32_t d = 0; d < kDeciles; ++d) counts[d] += document.deciles[d].rows;
  }
  for (const double count : counts) EXPECT_EQ(count, 60);
  EXPECT_EQ(decile_of(edges[0], edges), 0u);
  EXPECT_EQ(decile_of(std::nextafter(edges[0], 9.0f), edges), 1u);
  EXPECT_EQ(decile_of(std::nanf(""), edges), kDeciles - 1);
}

TEST(ScoreTest, ABiasedGateJudgesWithItsBias) {
  gate::GateSpec spec = gate::olmoe_gate(4, 1);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  const std::vector<float> bias = {0, 0, 0, 2};
  const Gate gate = {.spec = spec, .selection_bias = bias, .scale_per_expert = {}};
  const std::vector<float> logits = {3, 0, 0, -3, 0, 1, 2, 3};
  const Routes routes = routes_of(gate, logits);
  EXPECT_EQ(routes.set_of(0)[0], 3);
  EXPECT_EQ(routes.set_of(1)[0], 3);
  const std::vector<uint32_t> rows = {0, 1}, documents = {0, 1};
  const MarginEdges edges = margin_edges(routes, rows);
  const std::vector<double> mean = mean_logits(routes, rows);
  const Scored scored = {.truth = routes,
                         .rows = rows,
                         .document_of_row = documents,
                         .edges = edges,
                         .mean_logits = mean};
  const std::vector<float> predicted = {5, 0, 0, -5, 5, 0, 0, -5};
  const ScoreSums sums = total_of(score_predictions(gate, scored, predicted));
  EXPECT_EQ(sums.overlap, 2);
  EXPECT_EQ(sums.hits[0], 2);
}

TEST(CeilingTest, TwoExpertsByTheNormalDistribution) {
  // One of two experts: the better is right with probability Phi(gap / sd of the difference).
  const gate::GateSpec spec = gate::olmoe_gate(2, 1);
  const Gate gate = {.spec = spec, .selection_bias = {}, .scale_per_expert = {}};
  std::vector<float> means;
  for (uint32_t n = 0; n < 400; ++n) means.insert(means.end(), {0.8f, 0.0f});
  linear::Matrix residual(2, 2);
  residual << 1, 0.5, 0.5, 1;  // the difference has variance 1
  const CeilingOptions options = {.source = {.seed = 3, .layer = 1}, .draws = 64, .threads = 2};
  const Ceiling ceiling = gaussian_ceiling(gate, means, residual, options);
  double lower = 0, upper = 0;
  for (uint32_t n = 0; n < 400; ++n) {
    EXPECT_LE(ceiling.lower[n], ceiling.upper[n]);
    lower += ceiling.lower[n] / 400;
    upper += ceiling.upper[n] / 400;
  }
  const double wanted = stats::normal_cdf(0.8), error = 5 * 0.41 / std::sqrt(400.0 * 64);
  EXPECT_LE(lower, wanted + error);
  EXPECT_GE(upper, wanted - error);
  EXPECT_NEAR(lower, wanted, 2 * error);
  EXPECT_NEAR(upper, wanted, 2 * error);
  const Ceiling alone = gaussian_ceiling(gate, means, residual,
                                         {.source = options.source, .draws = 64, .threads = 1});
  EXPECT_EQ(alone.lower, ceiling.lower);
  EXPECT_EQ(alone.upper, ceiling.upper);
  EXPECT_NE(ceiling.upper[0], ceiling.upper[1]);  // draws of their own
}

TEST(CeilingTest, NoResidualIsCertainAndAWideOneIsChance) {
  const gate::GateSpec spec = gate::olmoe_gate(8, 2);
  const Gate gate = {.spec = spec, .selection_bias = {}, .scale_per_expert = {}};
  const std::vector<float> means = to_floats(Draws(2, "means").normal(200, 8));
  const CeilingOptions options = {.source = {}, .draws = 64, .threads = 1};
  const Ceiling sure = gaussian_ceiling(gate, means, linear::Matrix::Zero(8, 8), options);
  EXPECT_EQ(*std::min_element(sure.lower.begin(), sure.lower.end()), 1);
  const Ceiling blind =
      gaussian_ceiling(gate, means, 400 * linear::Matrix::Identity(8, 8), options);
  double lower = 0, upper = 0;
  for (size_t n = 0; n < 200; ++n) {
    lower += blind.lower[n] / 200;
    upper += blind.upper[n] / 200;
  }
  EXPECT_NEAR(lower, 0.25, 0.02);
  EXPECT_GT(upper, 0.3);
}

}  // namespace
}  // namespace rg::readout
