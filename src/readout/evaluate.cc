#include "readout/evaluate.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace rg::readout {
namespace {

std::vector<uint32_t> part_rows(const Experiment& experiment, Part part) {
  const std::vector<uint32_t> rows = rows_of(part, experiment.parts, experiment.document_of_row);
  check_internal(!rows.empty(), "rows in every part");
  return rows;
}

// The rows to report on, and what their scores are relative to.
struct TestRows {
  std::vector<uint32_t> rows;
  MarginEdges edges;
  std::vector<double> mean;

  explicit TestRows(const Experiment& experiment)
      : rows(part_rows(experiment, Part::test)),
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
  const TestRows test(experiment);
  const std::vector<double> train_pi =
      popularity(experiment.routes, part_rows(experiment, Part::train));
  const std::vector<double> test_pi = popularity(experiment.routes, test.rows);
  const uint32_t k = experiment.gate.top_k();
  return {.scores = score_constant(test.scored(experiment), by_popularity(train_pi)),
          .chance = chance_overlap(test_pi, test_pi, k),
          .chance_from_train = chance_overlap(train_pi, test_pi, k)};
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

RidgeReport evaluate_ridge(const Experiment& experiment, const FeatureRows& features,
                           std::span<const double> grid, int threads) {
  const Routes& routes = experiment.routes;
  const TestRows test(experiment);
  const std::vector<uint32_t> validation = part_rows(experiment, Part::validation);
  const SecondMoments moments =
      moments_of(features, routes, part_rows(experiment, Part::train), threads);
  const Columns inputs = {0, features.width};
  const Columns targets = {features.width, features.width + routes.experts};
  auto path = ridge_path(moments, inputs, targets, grid, threads);
  RidgeReport out{.grid = {grid.begin(), grid.end()},
                  .validation_error = {},
                  .readout = std::nullopt,
                  .scores = {}};
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
  if (out.readout) {
    out.scores = score_predictions(experiment.gate, test.scored(experiment),
                                   predict(*out.readout, features, test.rows, threads));
  }
  return out;
}

MlpReport evaluate_mlp(const Experiment& experiment, const FeatureRows& features,
                       const MlpOptions& options) {
  const Routes& routes = experiment.routes;
  const TestRows test(experiment);
  const std::vector<uint32_t> train = part_rows(experiment, Part::train);
  MlpReport out{.fit = train_mlp(features, standardiser_of(features, train),
                                 mlp_targets(experiment.gate, routes), routes, train,
                                 part_rows(experiment, Part::validation),
                                 experiment.document_of_row, options),
                .scores = {}};
  out.scores = score_predictions(experiment.gate, test.scored(experiment),
                                 predict(out.fit.mlp, features, test.rows, options.threads));
  return out;
}

}  // namespace rg::readout
