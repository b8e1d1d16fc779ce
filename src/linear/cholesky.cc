#include <Eigen/Cholesky>

#include "linear/decompositions.h"

namespace rg::linear {

std::optional<Matrix> solve_positive(Matrix& matrix, const Matrix& right, double least) {
  const Eigen::LLT<Eigen::Ref<Matrix>> cholesky(matrix);
  if (cholesky.info() != Eigen::Success || !(cholesky.rcond() >= least)) return std::nullopt;
  return Matrix(cholesky.solve(right));
}

}  // namespace rg::linear
