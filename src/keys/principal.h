// Principal axes of keys: the gauge that diagonalises their second moments or their covariance. For
// Gaussian keys of mean zero the worst gauge of the pooled beta, and followed by a Hadamard matrix
// the best one (IF-5).
#pragma once

#include "linear/matrix.h"

namespace rg::keys {

// Rows are unit eigenvectors of the symmetric matrix, largest eigenvalue first; of each, the first
// entry of the largest size is positive. R k are the coordinates along them.
struct Axes {
  linear::Matrix rotation;  // (d, d)
  linear::Column values;    // (d), descending
};
Axes principal_axes(const linear::Matrix& symmetric);

// Second moments about the mean: moments / n - mean mean'. n at least 1.
linear::Matrix covariance(const linear::Matrix& second_moments, const linear::Column& mean,
                          double n);

}  // namespace rg::keys
