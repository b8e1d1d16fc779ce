#include "linear/decompositions.h"
#include "linear/instances.h"

namespace rg::linear {

Svd thin_svd(const Matrix& matrix) {
  const Eigen::BDCSVD<Matrix> svd(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
  return {.left = svd.matrixU(), .values = svd.singularValues(), .right = svd.matrixV()};
}

Column singular_values(const Matrix& matrix) {
  return Eigen::BDCSVD<Matrix>(matrix).singularValues();
}

RightBasis right_basis(const Matrix& matrix) {
  const Eigen::BDCSVD<Matrix> svd(matrix, Eigen::ComputeFullV);
  return {.values = svd.singularValues(), .vectors = svd.matrixV()};
}

}  // namespace rg::linear
