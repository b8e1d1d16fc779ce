// The worst of many values, for findings: NaN if one of them is NaN, so that it is noticed.
#pragma once

#include <cmath>

#include "theorems/tensors.h"

namespace rg::theorems {

inline double largest(VectorView values) { return values.maxCoeff<Eigen::PropagateNaN>(); }
inline double least(VectorView values) { return values.minCoeff<Eigen::PropagateNaN>(); }
inline double largest_size(TensorView values) {
  return values.cwiseAbs().maxCoeff<Eigen::PropagateNaN>();
}
// The larger of the worst so far and another value: NaN as soon as one of them is.
inline double worse(double worst, double value) {
  return std::isnan(worst) || value <= worst ? worst : value;
}
// |a - b| / |b|: how far a is off, in units of b.
inline double relative_difference(TensorView a, TensorView b) { return (a - b).norm() / b.norm(); }

}  // namespace rg::theorems
