// Linear readouts of features by ridge regression, from second moments of the fitting rows.
// Features are standardised: with R the correlation matrix of the features and c their covariance
// with the targets, in standard deviations of the features, the weights W (targets, features) obey
// (R + lambda I) W' = c. Features that don't vary get weight 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "readout/features.h"
#include "readout/moments.h"

namespace rg::readout {

// 1e-5, 1e-4, ..., 1e3.
std::vector<double> ridge_grid();

struct LinearReadout {
  double lambda;
  Standardiser inputs;
  std::vector<float> weights;    // (targets, features), of standardised features
  std::vector<float> intercept;  // (targets): the targets' means
};

// One per lambda, in the grid's order; none where R + lambda I isn't positive definite within
// rounding (a pivot of Cholesky's decomposition, or a reciprocal condition number below 1e-14).
// Memory beside the moments: 8 bytes for every pair of features and each thread.
std::vector<std::optional<LinearReadout>> ridge_path(const SecondMoments& moments, Columns features,
                                                     Columns targets, std::span<const double> grid,
                                                     int threads);

// Predicted targets of these rows, (rows, targets), by fp32 products in tiles of fixed height.
std::vector<float> predict(const LinearReadout& readout, const FeatureRows& features,
                           std::span<const uint32_t> rows, int threads);

}  // namespace rg::readout
