// Matrix decompositions by Eigen, compiled once for the whole program: every file that instantiates
// them takes seconds and hundreds of megabytes. fp64, on the calling thread, so that the order of
// sums never depends on the number of threads. Entries must be finite; otherwise Eigen's results
// are undefined.
#pragma once

#include <optional>
#include <vector>

#include "linear/matrix.h"

namespace rg::linear {

// matrix (rows, columns) = left diag(values) right', values descending.
struct Svd {
  Matrix left;    // (rows, r), r = min(rows, columns)
  Column values;  // (r)
  Matrix right;   // (columns, r)
};
Svd thin_svd(const Matrix& matrix);
Column singular_values(const Matrix& matrix);
// Right singular vectors, completed to a basis: (columns, columns), in the order of the values.
struct RightBasis {
  Column values;
  Matrix vectors;
};
RightBasis right_basis(const Matrix& matrix);

// matrix (rows, columns) = q r with rows >= columns; q (rows, rows), r (columns, columns).
struct Qr {
  Matrix q, r;
};
Qr qr_of(const Matrix& matrix);
Matrix qr_triangle(const Matrix& matrix);  // r alone
Qr thin_qr(const Matrix& matrix);          // q (rows, columns)

// Columns by how much each adds to the span of those before it (rank-revealing in practice):
// matrix.col(order[j]) = q triangle.col(j). The rank is numerical: pivots above eps times the
// largest and the number of pivots.
struct PivotedQr {
  std::vector<Eigen::Index> order;  // (columns)
  Matrix triangle;                  // (rank, columns)
};
PivotedQr pivoted_qr(const Matrix& matrix);
Matrix solve_triangle(const Matrix& triangle, const Matrix& right_side);  // of an upper one

// Of a symmetric matrix; only its lower half is read. Values ascend.
Column symmetric_eigenvalues(const Matrix& matrix);
struct Eigenpairs {
  Column values;
  Matrix vectors;  // one per column
};
Eigenpairs symmetric_eigenpairs(const Matrix& matrix);

// x of `matrix` x = right, by Cholesky's decomposition of a symmetric matrix (n, n), of which the
// lower half is read and overwritten; right (n, columns). None if a pivot isn't positive or the
// estimated reciprocal condition number in the 1-norm (Higham 2002, 15.2) is below `least`.
std::optional<Matrix> solve_positive(Matrix& matrix, const Matrix& right, double least);

Matrix inverse(const Matrix& matrix);
Matrix exponential(const Matrix& matrix);

// gram += panel panel', the lower half only. gram (n, n), panel (n, columns).
void add_gram(Matrix& gram, const Matrix& panel);

}  // namespace rg::linear
