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
};
ConstantReport evaluate_constant(const Experiment& experiment);

struct RidgeReport {
  std::vector<double> grid;
  // Mean squared error of the logits (minus their mean over experts) on the validation rows, per
  // lambda; NaN where the solution is undefined.
  std::vector<double> validation_error;
  std::optional<LinearReadout> readout;  // of the smallest error, the first of equals
  std::vector<DocumentScores> scores;    // of the test rows; empty without a readout
};
RidgeReport evaluate_ridge(const Experiment& experiment, const FeatureRows& features,
                           std::span<const double> grid, int threads);

struct MlpReport {
  MlpFit fit;
  std::vector<DocumentScores> scores;
};
MlpReport evaluate_mlp(const Experiment& experiment, const FeatureRows& features,
                       const MlpOptions& options);

// Moments of features and logits side by side, features first, over `rows`.
SecondMoments moments_of(const FeatureRows& features, const Routes& routes,
                         std::span<const uint32_t> rows, int threads);

}  // namespace rg::readout
