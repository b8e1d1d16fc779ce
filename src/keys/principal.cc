#include "keys/principal.h"

#include <cmath>

#include "linear/decompositions.h"

namespace rg::keys {

Axes principal_axes(const linear::Matrix& symmetric) {
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(symmetric);
  const Eigen::Index d = symmetric.rows();
  Axes out{.rotation = linear::Matrix(d, d), .values = linear::Column(d)};
  for (Eigen::Index i = 0; i < d; ++i) {
    const auto vector = pairs.vectors.col(d - 1 - i);
    Eigen::Index largest = 0;
    for (Eigen::Index j = 1; j < d; ++j) {
      if (std::abs(vector[j]) > std::abs(vector[largest])) largest = j;
    }
    out.rotation.row(i) = vector.transpose() * (vector[largest] < 0 ? -1.0 : 1.0);
    out.values[i] = pairs.values[d - 1 - i];
  }
  return out;
}

linear::Matrix covariance(const linear::Matrix& second_moments, const linear::Column& mean,
                          double n) {
  return second_moments / n - mean * mean.transpose();
}

}  // namespace rg::keys
