#include <Eigen/Eigenvalues>

#include "linear/decompositions.h"

namespace rg::linear {

Column symmetric_eigenvalues(const Matrix& matrix) {
  return Eigen::SelfAdjointEigenSolver<Matrix>(matrix, Eigen::EigenvaluesOnly).eigenvalues();
}

Eigenpairs symmetric_eigenpairs(const Matrix& matrix) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(matrix);
  return {.values = solver.eigenvalues(), .vectors = solver.eigenvectors()};
}

}  // namespace rg::linear
