// One set of features against the routes of one layer: fitted on some documents, chosen by others,
// scored on the rest. Rows are held in memory: 4 bytes for every feature of every row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "readout/mlp.h"
#include "readout/ridge.h"
#include "readout/scores.h"
#include "readout/split.h"

namespace rg::readout {

struct Experiment {
  const Gate& gate;
  const Routes& routes;
  std::span<const uint32_t> document_of_row;  // ascending, indices into `parts`
  std::span<const Part> parts;
};

// F0, without any feature.
struct ConstantReport {
  std::vector<DocumentScores> scores;  // of the best constant set of the fitting rows
  // RG-2: expected overlap of two independent sets of the test rows; of a set of the fitting rows
  // with one of the test rows.
  double chance, chance_from_train;
  ScoreSums choosing;  // of the same set on the validation rows
};
ConstantReport evaluate_constant(const Experiment& experiment);

// The mean logits of the fitting rows with the same id, of all of them for an id without any.
// ids: one per row of the routes.
struct MeanReport {
  std::vector<DocumentScores> scores;
  ScoreSums choosing;
};
MeanReport evaluate_means(const Experiment& experiment, std::span<const int32_t> ids);

struct RidgeReport {
  std::vector<double> grid;
  // Mean squared error of the logits (minus their mean over experts) on the validation rows, per
  // lambda; NaN where the solution is undefined.
  std::vector<double> validation_error;
  std::optional<LinearReadout> readout;  // of the smallest error, the first of equals
  std::vector<DocumentScores> scores;    // of the test rows; empty without a readout
  ScoreSums choosing;                    // of the validation rows; 0 without a readout
};
RidgeReport evaluate_ridge(const Experiment& experiment, const FeatureRows& features,
                           std::span<const double> grid, int threads);

// Ridge, and the least-squares readout (KR-9 a, with the fitting rows' covariance): lambda 0. The
// second has no readout where the features' correlations are singular.
struct LinearReports {
  RidgeReport closed_form, ridge;
};
LinearReports evaluate_linear(const Experiment& experiment, const FeatureRows& features,
                              std::span<const double> grid, int threads);

struct MlpReport {
  MlpFit fit;
  std::vector<DocumentScores> scores;
  ScoreSums choosing;
};
MlpReport evaluate_mlp(const Experiment& experiment, const FeatureRows& features,
                       const MlpOptions& options);

// Moments of features and logits side by side, features first, over `rows`.
SecondMoments moments_of(const FeatureRows& features, const Routes& routes,
                         std::span<const uint32_t> rows, int threads);

}  // namespace rg::readout
