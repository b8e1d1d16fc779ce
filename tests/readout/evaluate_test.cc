// Planted cases whose answers are known: what is linear is found, what isn't there isn't.
#include "readout/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "readout/ceiling.h"
#include "readout/key_span.h"
#include "readout/tables.h"

namespace rg::readout {
namespace {

using theorems::Draws;
using theorems::Tensor;

RidgeReport ridge_of(const Planted& planted, int threads = 2) {
  return evaluate_ridge(planted.experiment(), planted.table.rows(), ridge_grid(), threads);
}

TEST(EvaluateTest, LinearTargetsAreFoundExactly) {
  Draws draws(1, "linear");
  Tensor features = draws.normal(3000, 24);
  features.col(3) *= 500;  // a massive channel
  features.col(7).array() += 40;
  Tensor readout = draws.normal(24, 16);
  readout.row(3) /= 500;
  const Planted planted(Table(gate::olmoe_gate(16, 4), features, features * readout, 30));
  const RidgeReport ridge = ridge_of(planted);
  EXPECT_GT(mean_overlap(ridge.scores), 0.999);
  EXPECT_GT(r_squared(ridge.scores), 0.99999);
  EXPECT_EQ(ridge.readout->lambda, 1e-5);
  MlpOptions options = small_mlp();
  options.epochs = 60;
  const MlpReport mlp = evaluate_mlp(planted.experiment(), planted.table.rows(), options);
  EXPECT_GT(mean_overlap(mlp.scores), 0.85);
  EXPECT_LT(mlp.fit.validation_loss[mlp.fit.best_epoch], mlp.fit.validation_loss[0]);
}

TEST(EvaluateTest, IndependentFeaturesGiveTheConstantGuess) {
  Draws draws(2, "independent");
  Tensor logits = draws.normal(4000, 8);
  logits.col(5).array() += 1.5;
  const Planted planted(Table(gate::olmoe_gate(8, 2), draws.normal(4000, 16), logits, 20));
  const ConstantReport constant = evaluate_constant(planted.experiment());
  const double floor = mean_overlap(constant.scores);
  EXPECT_GT(floor, constant.chance_from_train);
  EXPECT_GT(constant.chance, 0.25);
  EXPECT_NEAR(constant.chance, constant.chance_from_train, 0.02);
  const RidgeReport ridge = ridge_of(planted);
  EXPECT_NEAR(mean_overlap(ridge.scores), floor, 0.04);
  EXPECT_NEAR(r_squared(ridge.scores), 0, 0.02);
  const MlpReport mlp = evaluate_mlp(planted.experiment(), planted.table.rows(), small_mlp());
  EXPECT_NEAR(mean_overlap(mlp.scores), floor, 0.04);
}

TEST(EvaluateTest, TheMlpSeesProductsThatRidgeDoesnt) {
  Draws draws(3, "product");
  const Tensor features = draws.signs(6000, 6) + 0.1 * draws.normal(6000, 6);
  Tensor products(6000, 3);
  for (Eigen::Index j = 0; j < 3; ++j) {
    products.col(j) = features.col(2 * j).cwiseProduct(features.col(2 * j + 1));
  }
  const Tensor logits = 2 * products * draws.normal(3, 8) + 0.1 * draws.normal(6000, 8);
  const Planted planted(Table(gate::olmoe_gate(8, 2), features, logits, 30));
  const double ridge = mean_overlap(ridge_of(planted).scores);
  const MlpReport mlp = evaluate_mlp(planted.experiment(), planted.table.rows(), small_mlp());
  EXPECT_LT(ridge, 0.45);
  EXPECT_GT(mean_overlap(mlp.scores), 0.85);
}

// Features name the document, and routes are the document's own.
Planted signed_documents(uint32_t documents, uint32_t rows_each) {
  Draws draws(4, "signatures");
  const Eigen::Index rows = Eigen::Index{documents} * rows_each;
  const Tensor names = draws.normal(documents, 60), own = draws.normal(documents, 16);
  Tensor features(rows, 60), logits(rows, 16);
  for (Eigen::Index n = 0; n < rows; ++n) {
    features.row(n) = names.row(n / rows_each) + 0.02 * draws.normal(1, 60);
    logits.row(n) = own.row(n / rows_each);
  }
  return Planted(Table(gate::olmoe_gate(16, 2), features, logits, rows_each));
}

TEST(EvaluateTest, DocumentsAreKeptApart) {
  // Split by document there is nothing to learn; rows of a test document among the fitting rows
  // would give it all away.
  const Planted apart = signed_documents(40, 50);
  const MlpReport blind = evaluate_mlp(apart.experiment(), apart.table.rows(), small_mlp());
  EXPECT_LT(mean_overlap(ridge_of(apart).scores), 0.4);
  EXPECT_LT(mean_overlap(blind.scores), 0.4);
  Table leaky = apart.table;
  leaky.documents = all_rows(leaky.documents.size());  // every row its own document
  leaky.parts = split_documents(static_cast<uint32_t>(leaky.documents.size()), {}, 1);
  const Planted leaking(leaky);
  const MlpReport told = evaluate_mlp(leaking.experiment(), leaking.table.rows(), small_mlp());
  EXPECT_GT(mean_overlap(ridge_of(leaking).scores), 0.95);
  EXPECT_GT(mean_overlap(told.scores), 0.95);
}

TEST(EvaluateTest, TestRowsHaveNoInfluenceOnTheFit) {
  Draws draws(5, "held out");
  const Tensor features = draws.normal(900, 12);
  const Tensor logits = features * draws.normal(12, 8) + draws.normal(900, 8);
  const Planted planted(Table(gate::olmoe_gate(8, 2), features, logits, 30));
  Table changed = planted.table;
  for (const uint32_t n : rows_of(Part::test, changed.parts, changed.documents)) {
    for (size_t j = 0; j < 12; ++j) changed.features[n * 12 + j] *= -3;
    for (size_t e = 0; e < 8; ++e) changed.logits[n * 8 + e] += static_cast<float>(e);
  }
  const Planted other(changed);
  const RidgeReport one = ridge_of(planted), two = ridge_of(other);
  EXPECT_EQ(one.readout->weights, two.readout->weights);
  EXPECT_EQ(one.readout->lambda, two.readout->lambda);
  EXPECT_NE(mean_overlap(one.scores), mean_overlap(two.scores));
  const MlpReport first = evaluate_mlp(planted.experiment(), planted.table.rows(), small_mlp());
  const MlpReport second = evaluate_mlp(other.experiment(), other.table.rows(), small_mlp());
  EXPECT_EQ(first.fit.mlp.weights, second.fit.mlp.weights);
}

TEST(EvaluateTest, RidgeReachesTheClosedFormAndItsCeiling) {
  // Gaussian inputs, keys that see a part of them: ridge's R^2 is 1 - eta of KR-9, its overlap the
  // ceiling of KR-10.
  Draws draws(6, "closed");
  const Tensor root = draws.normal(16, 16), inputs = draws.normal(12000, 16) * root.transpose();
  const Tensor keys = draws.normal(8, 16), router = 0.3 * draws.normal(8, 16);
  const Planted planted(
      Table(gate::olmoe_gate(8, 2), inputs * keys.transpose(), inputs * router.transpose(), 40));
  const RidgeReport ridge = ridge_of(planted);
  const ClosedForm form = closed_form(root * root.transpose(), keys, router);
  EXPECT_NEAR(r_squared(ridge.scores), 1 - *form.eta, 0.02);
  const std::vector<uint32_t> test =
      rows_of(Part::test, planted.table.parts, planted.table.documents);
  std::vector<float> means;
  for (const uint32_t n : test) {
    const theorems::Vector mean = form.readout * keys * inputs.row(n).transpose();
    for (Eigen::Index e = 0; e < 8; ++e) means.push_back(static_cast<float>(mean[e]));
  }
  const Ceiling ceiling = gaussian_ceiling(planted.gate, means, form.residual,
                                           {.source = {}, .draws = 64, .threads = 2});
  double lower = 0, upper = 0;
  for (size_t i = 0; i < test.size(); ++i) {
    lower += ceiling.lower[i] / static_cast<double>(test.size());
    upper += ceiling.upper[i] / static_cast<double>(test.size());
  }
  const double overlap = mean_overlap(ridge.scores);
  EXPECT_GT(overlap, 0.4);
  EXPECT_LT(overlap, 0.95);
  EXPECT_LE(overlap, upper + 0.02);
  EXPECT_GE(overlap, lower - 0.03);
  EXPECT_LT(upper - lower, 0.06);
}

TEST(EvaluateTest, TheClosedFormIsRidgeWithoutItsLambda) {
  Draws draws(9, "least squares");
  Tensor features = draws.normal(2000, 6);
  const Planted planted(Table(gate::olmoe_gate(8, 2), features,
                              features * draws.normal(6, 8) + draws.normal(2000, 8), 20));
  const LinearReports both =
      evaluate_linear(planted.experiment(), planted.table.rows(), ridge_grid(), 2);
  const RidgeReport ridge = ridge_of(planted);
  EXPECT_EQ(both.ridge.readout->weights, ridge.readout->weights);
  EXPECT_EQ(total_of(both.ridge.scores).overlap, total_of(ridge.scores).overlap);
  ASSERT_TRUE(both.closed_form.readout.has_value());
  EXPECT_EQ(both.closed_form.readout->lambda, 0);
  const double no_lambda[] = {1e-9};
  const RidgeReport nearly =
      evaluate_ridge(planted.experiment(), planted.table.rows(), no_lambda, 2);
  for (size_t i = 0; i < nearly.readout->weights.size(); ++i) {
    EXPECT_NEAR(both.closed_form.readout->weights[i], nearly.readout->weights[i], 1e-5f);
  }
  // Scores on the documents that choose are of those alone.
  EXPECT_EQ(both.ridge.choosing.rows, 200);
  EXPECT_EQ(total_of(both.ridge.scores).rows, 400);
  EXPECT_NEAR(both.ridge.choosing.overlap / 200, mean_overlap(ridge.scores), 0.05);
  // Twice the same feature: nothing to solve without a lambda.
  features.col(2) = features.col(1);
  const Planted twice(Table(gate::olmoe_gate(8, 2), features, draws.normal(2000, 8), 20));
  const LinearReports singular =
      evaluate_linear(twice.experiment(), twice.table.rows(), ridge_grid(), 1);
  EXPECT_FALSE(singular.closed_form.readout.has_value());
  EXPECT_TRUE(singular.closed_form.scores.empty());
  EXPECT_EQ(singular.closed_form.choosing.rows, 0);
  EXPECT_TRUE(singular.ridge.readout.has_value());
}

TEST(EvaluateTest, AnIdTellsItsOwnMeanAndAnUnknownOneThatOfAll) {
  Draws draws(10, "ids");
  const Tensor own = draws.normal(5, 8);
  Tensor logits(1000, 8);
  std::vector<int32_t> ids;
  for (Eigen::Index n = 0; n < 1000; ++n) {
    ids.push_back(static_cast<int32_t>(n % 5));
    logits.row(n) = own.row(n % 5);
  }
  const Planted planted(Table(gate::olmoe_gate(8, 2), draws.normal(1000, 3), logits, 20));
  const MeanReport known = evaluate_means(planted.experiment(), ids);
  EXPECT_EQ(mean_overlap(known.scores), 1);
  EXPECT_EQ(known.choosing.overlap, known.choosing.rows);
  EXPECT_NEAR(r_squared(known.scores), 1, 1e-9);
  const std::vector<uint32_t> test =
      rows_of(Part::test, planted.table.parts, planted.table.documents);
  for (const uint32_t n : test) ids[n] = 77;
  const MeanReport unknown = evaluate_means(planted.experiment(), ids);
  EXPECT_NEAR(r_squared(unknown.scores), 0, 1e-6);
  EXPECT_EQ(unknown.choosing.overlap, known.choosing.overlap);
}

TEST(EvaluateTest, GapsOfFeaturesWithIntervals) {
  // Half of the inputs against all of them; a set of features against itself.
  Draws draws(8, "gap");
  const Tensor whole = draws.normal(3000, 10);
  const Tensor logits = whole * draws.normal(10, 8) + 0.5 * draws.normal(3000, 8);
  const gate::GateSpec spec = gate::olmoe_gate(8, 2);
  const Planted all(Table(spec, whole, logits, 20));
  const Planted half(Table(spec, whole.leftCols(5), logits, 20));
  const auto more = ridge_of(all).scores, less = ridge_of(half).scores;
  const stats::CountTable table(more.size(), 400, 3, 1);
  const Gap gap = overlap_gap(table, more, less);
  EXPECT_NEAR(gap.estimate, mean_overlap(more) - mean_overlap(less), 1e-12);
  ASSERT_TRUE(gap.interval.has_value());
  EXPECT_GT(gap.interval->front(), 0.1);
  EXPECT_LT(gap.interval->front(), gap.estimate);
  EXPECT_GT(gap.interval->back(), gap.estimate);
  const Gap none = overlap_gap(table, more, more);
  EXPECT_EQ(none.interval->front(), 0);
  EXPECT_EQ(none.interval->back(), 0);
  double rows = 0;
  for (uint32_t d = 0; d < kDeciles; ++d) {
    for (const double count : per_document(more, &ScoreSums::rows, d)) rows += count;
  }
  EXPECT_EQ(rows, 600);
  // Errors concentrate at small margins (RG-5).
  const auto exact_share = [&](uint32_t decile) {
    double exact = 0, count = 0;
    for (const DocumentScores& document : more) {
      exact += document.deciles[decile].exact;
      count += document.deciles[decile].rows;
    }
    return exact / count;
  };
  EXPECT_LT(exact_share(0), exact_share(9) - 0.3);
}

TEST(EvaluateTest, ThreadsChangeNoBit) {
  Draws draws(7, "threads");
  const Tensor features = draws.normal(1200, 150);
  const Planted planted(Table(gate::olmoe_gate(8, 2), features,
                              features * draws.normal(150, 8) * 0.1 + draws.normal(1200, 8), 20));
  const RidgeReport one = ridge_of(planted, 1), two = ridge_of(planted, 2);
  EXPECT_EQ(one.readout->weights, two.readout->weights);
  EXPECT_EQ(one.validation_error, two.validation_error);
  EXPECT_EQ(total_of(one.scores).error, total_of(two.scores).error);
}

}  // namespace
}  // namespace rg::readout
