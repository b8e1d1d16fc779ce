// How far a changed residual is from what a model's residuals do, by a sample of real ones.
#pragma once

#include <span>

#include "linear/matrix.h"

namespace rg::certificates {

struct Plausibility {
  // sqrt(d' S+ d / (2 rank S)), d the change, S the sample's covariance: of the difference of two
  // tokens of the sample its mean square is 1, exactly.
  double size;
  double outside_share;  // of |d|^2: outside the space that the sample spans
};

// rows (n, D), row-major, n >= 2 tokens; change (D). The rank counts directions with more than
// 1e-12 of the largest variance; all zero if no two tokens differ.
Plausibility plausibility(std::span<const float> rows, std::span<const double> change);

}  // namespace rg::certificates
