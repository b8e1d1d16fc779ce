#include "linear/decompositions.h"
#include "linear/instances.h"

template class Eigen::HouseholderQR<rg::linear::Matrix>;

namespace rg::linear {
namespace {

Matrix triangle_of(const Eigen::HouseholderQR<Matrix>& qr) {
  const Eigen::Index n = qr.matrixQR().cols();
  return qr.matrixQR().topLeftCorner(n, n).triangularView<Eigen::Upper>();
}

}  // namespace

Qr qr_of(const Matrix& matrix) {
  const Eigen::HouseholderQR<Matrix> qr(matrix);
  return {.q = qr.householderQ() * Matrix::Identity(matrix.rows(), matrix.rows()),
          .r = triangle_of(qr)};
}

Qr thin_qr(const Matrix& matrix) {
  const Eigen::HouseholderQR<Matrix> qr(matrix);
  return {.q = qr.householderQ() * Matrix::Identity(matrix.rows(), matrix.cols()),
          .r = triangle_of(qr)};
}

Matrix qr_triangle(const Matrix& matrix) {
  return triangle_of(Eigen::HouseholderQR<Matrix>(matrix));
}

}  // namespace rg::linear
