#include <Eigen/QR>

#include "linear/decompositions.h"

namespace rg::linear {

PivotedQr pivoted_qr(const Matrix& matrix) {
  const Eigen::ColPivHouseholderQR<Matrix> qr(matrix);
  const Eigen::Index rank = qr.rank();
  PivotedQr out{.order = {}, .triangle = qr.matrixQR().topRows(rank)};
  out.triangle.leftCols(rank).triangularView<Eigen::StrictlyLower>().setZero();
  for (Eigen::Index i = 0; i < matrix.cols(); ++i) {
    out.order.push_back(qr.colsPermutation().indices()(i));
  }
  return out;
}

Matrix solve_triangle(const Matrix& triangle, const Matrix& right_side) {
  return triangle.triangularView<Eigen::Upper>().solve(right_side);
}

}  // namespace rg::linear
