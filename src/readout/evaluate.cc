#include "readout/evaluate.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"

namespace rg::readout {
namespace {

std::vector<uint32_t> part_rows(const Experiment& experiment, Part part) {
  const std::vector<uint32_t> rows = rows_of(part, experiment.parts, experiment.document_of_row);
  check_internal(!rows.empty(), "rows in every part");
  return rows;
}

// The rows to report on or to choose by, and what their scores are relative to.
struct PartRows {
  std::vector<uint32_t> rows;
  MarginEdges edges;
  std::vector<double> mean;

  PartRows(const Experiment& experiment, Part part)
      : rows(part_rows(experiment, part)),
        edges(margin_edges(experiment.routes, rows)),
        mean(mean_logits(experiment.routes, part_rows(experiment, Part::train))) {}
  Scored scored(const Experiment& experiment) const {
    return {.truth = experiment.routes,
            .rows = rows,
            .document_of_row = experiment.document_of_row,
            .edges = edges,
            .mean_logits = mean};
  }
};

ScoreSums total_scores(const std::vector<DocumentScores>& scores) {
  ScoreSums sum;
  for (const DocumentScores& document : scores) sum += document.total();
  return sum;
}

// predict_rows(rows): their logits, (rows, E).
template <typename Predict>
void score_parts(const Experiment& experiment, const Predict& predict_rows,
                 std::vector<DocumentScores>& scores, ScoreSums& choosing) {
  const PartRows test(experiment, Part::test), validation(experiment, Part::validation);
  scores = score_predictions(experiment.gate, test.scored(experiment), predict_rows(test.rows));
  choosing = total_scores(score_predictions(experiment.gate, validation.scored(experiment),
                                            predict_rows(validation.rows)));
}

double centred_error(const Routes& routes, std::span<const uint32_t> rows,
                     std::span<const float> predicted) {
  const uint32_t experts = routes.experts;
  std::vector<double> missed(experts);
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<const float> logits = routes.logits_of(rows[i]);
    double mean = 0;
    for (uint32_t e = 0; e < experts; ++e) {
      missed[e] = static_cast<double>(predicted[i * experts + e]) - static_cast<double>(logits[e]);
      mean += missed[e] / experts;
    }
    for (const double miss : missed) sum += (miss - mean) * (miss - mean);
  }
  return sum / static_cast<double>(rows.size());
}

}  // namespace

ConstantReport evaluate_constant(const Experiment& experiment) {
  const PartRows test(experiment, Part::test), validation(experiment, Part::validation);
  const std::vector<double> train_pi =
      popularity(experiment.routes, part_rows(experiment, Part::train));
  const std::vector<double> test_pi = popularity(experiment.routes, test.rows);
  const uint32_t k = experiment.gate.top_k();
  const std::vector<int32_t> guess = by_popularity(train_pi);
  return {.scores = score_constant(test.scored(experiment), guess),
          .chance = chance_overlap(test_pi, test_pi, k),
          .chance_from_train = chance_overlap(train_pi, test_pi, k),
          .choosing = total_scores(score_constant(validation.scored(experiment), guess))};
}

MeanReport evaluate_means(const Experiment& experiment, std::span<const int32_t> ids) {
  const Routes& routes = experiment.routes;
  const uint32_t experts = routes.experts;
  struct Sum {
    std::vector<double> logits;
    double rows = 0;
  };
  std::map<int32_t, Sum> of_id;
  Sum all{.logits = std::vector<double>(experts, 0.0)};
  for (const uint32_t n : part_rows(experiment, Part::train)) {
    Sum& own = of_id[ids[n]];
    own.logits.resize(experts, 0.0);
    for (Sum* const sum : {&own, &all}) {
      sum->rows += 1;
      for (uint32_t e = 0; e < experts; ++e) {
        sum->logits[e] += static_cast<double>(routes.logits_of(n)[e]);
      }
    }
  }
  const auto predict_rows = [&](std::span<const uint32_t> rows) {
    std::vector<float> out;
    for (const uint32_t n : rows) {
      const auto at = of_id.find(ids[n]);
      const Sum& sum = at == of_id.end() ? all : at->second;
      for (const double logit : sum.logits) out.push_back(static_cast<float>(logit / sum.rows));
    }
    return out;
  };
  MeanReport out;
  score_parts(experiment, predict_rows, out.scores, out.choosing);
  return out;
}

SecondMoments moments_of(const FeatureRows& features, const Routes& routes,
                         std::span<const uint32_t> rows, int threads) {
  MomentSums sums(features.width + routes.experts, threads);
  std::vector<float> row(features.width + routes.experts);
  for (const uint32_t n : rows) {
    std::copy_n(features.row(n), features.width, row.begin());
    const std::span<const float> logits = routes.logits_of(n);
    std::copy(logits.begin(), logits.end(), row.begin() + features.width);
    sums.add(row);
  }
  return sums.finish();
}

namespace {

RidgeReport ridge_report(const Experiment& experiment, const FeatureRows& features,
                         const SecondMoments& moments, std::span<const double> grid, int threads) {
  const Routes& routes = experiment.routes;
  const std::vector<uint32_t> validation = part_rows(experiment, Part::validation);
  const Columns inputs = {0, features.width};
  const Columns targets = {features.width, features.width + routes.experts};
  auto path = ridge_path(moments, inputs, targets, grid, threads);
  RidgeReport out{.grid = {grid.begin(), grid.end()},
                  .validation_error = {},
                  .readout = std::nullopt,
                  .scores = {},
                  .choosing = {}};
  double least = std::numeric_limits<double>::infinity();
  for (std::optional<LinearReadout>& step : path) {
    double error = std::numeric_limits<double>::quiet_NaN();
    if (step) {
      error = centred_error(routes, validation, predict(*step, features, validation, threads));
    }
    out.validation_error.push_back(error);
    if (!(error < least)) continue;
    least = error;
    out.readout = std::move(step);
  }
  if (!out.readout) return out;
  const auto predict_rows = [&](std::span<const uint32_t> rows) {
    return predict(*out.readout, features, rows, threads);
  };
  score_parts(experiment, predict_rows, out.scores, out.choosing);
  return out;
}

}  // namespace

RidgeReport evaluate_ridge(const Experiment& experiment, const FeatureRows& features,
                           std::span<const double> grid, int threads) {
  const SecondMoments moments =
      moments_of(features, experiment.routes, part_rows(experiment, Part::train), threads);
  return ridge_report(experiment, features, moments, grid, threads);
}

LinearReports evaluate_linear(const Experiment& experiment, const FeatureRows& features,
                              std::span<const double> grid, int threads) {
  const SecondMoments moments =
      moments_of(features, experiment.routes, part_rows(experiment, Part::train), threads);
  const double none[] = {0};
  return {.closed_form = ridge_report(experiment, features, moments, none, threads),
          .ridge = ridge_report(experiment, features, moments, grid, threads)};
}

MlpReport evaluate_mlp(const Experiment& experiment, const FeatureRows& features,
                       const MlpOptions& options) {
  const Routes& routes = experiment.routes;
  const std::vector<uint32_t> train = part_rows(experiment, Part::train);
  MlpReport out{.fit = train_mlp(features, standardiser_of(features, train),
                                 mlp_targets(experiment.gate, routes), routes, train,
                                 part_rows(experiment, Part::validation),
                                 experiment.document_of_row, options),
                .scores = {},
                .choosing = {}};
  const auto predict_rows = [&](std::span<const uint32_t> rows) {
    return predict(out.fit.mlp, features, rows, options.threads);
  };
  score_parts(experiment, predict_rows, out.scores, out.choosing);
  return out;
}

}  // namespace rg::readout
