#include "theorems/linear.h"

#include <algorithm>
#include <limits>

namespace rg::theorems {
namespace {

constexpr double kNothing = 1e-10;  // of the largest singular value
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Eigen::Index count_above(const Vector& values) {
  if (values.size() == 0) return 0;
  return (values.array() > kNothing * values[0]).count();
}

}  // namespace

Svd svd_of(TensorView matrix) {
  if (!matrix.allFinite()) {  // Eigen would leave the results as memory was
    const Eigen::Index rank = std::min(matrix.rows(), matrix.cols());
    return {.left = Tensor::Constant(matrix.rows(), rank, kNone),
            .values = Vector::Constant(rank, kNone),
            .right = Tensor::Constant(matrix.cols(), rank, kNone)};
  }
  const linear::Svd svd = linear::thin_svd(matrix);
  return {.left = svd.left, .values = svd.values, .right = svd.right};
}

Vector singular_values(TensorView matrix) {
  if (!matrix.allFinite()) return Vector::Constant(std::min(matrix.rows(), matrix.cols()), kNone);
  return linear::singular_values(matrix);
}

Vector symmetric_eigenvalues(TensorView matrix) {
  if (!matrix.allFinite()) return Vector::Constant(matrix.rows(), kNone);
  return linear::symmetric_eigenvalues(matrix);
}

double spectral_norm(TensorView matrix) {
  return matrix.size() == 0 ? 0 : singular_values(matrix)[0];
}

Eigen::Index rank_of(TensorView matrix) { return count_above(singular_values(matrix)); }

Tensor kernel_basis(TensorView matrix) {
  if (!matrix.allFinite()) return Tensor::Constant(matrix.cols(), 1, kNone);
  const linear::RightBasis basis = linear::right_basis(matrix);
  return basis.vectors.rightCols(matrix.cols() - count_above(basis.values));
}

Tensor kernel_projection(TensorView matrix) {
  const Tensor basis = kernel_basis(matrix);
  return basis * basis.transpose();
}

Tensor pseudo_inverse(TensorView matrix) {
  const Svd svd = svd_of(matrix);
  const Eigen::Index rank = count_above(svd.values);
  return svd.right.leftCols(rank) * svd.values.head(rank).cwiseInverse().asDiagonal() *
         svd.left.leftCols(rank).transpose();
}

}  // namespace rg::theorems
