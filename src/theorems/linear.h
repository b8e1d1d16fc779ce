// Singular values, ranks and kernels. For a matrix with a non-finite entry all results are NaN (a
// rank is 0, a kernel one column), so that it is noticed.
#pragma once

#include "theorems/tensors.h"

namespace rg::theorems {

struct Svd {
  Tensor left;    // (rows, r), r = min(rows, columns)
  Vector values;  // (r), descending
  Tensor right;   // (columns, r)
};
Svd svd_of(TensorView matrix);  // matrix = left diag(values) right'

Vector singular_values(TensorView matrix);        // descending
Vector symmetric_eigenvalues(TensorView matrix);  // of its lower half; ascending
double spectral_norm(TensorView matrix);

// Number of singular values above 1e-10 times the largest.
Eigen::Index rank_of(TensorView matrix);
Tensor kernel_basis(TensorView matrix);       // (columns, columns - rank), orthonormal columns
Tensor kernel_projection(TensorView matrix);  // (columns, columns)
Tensor pseudo_inverse(TensorView matrix);     // (columns, rows)

}  // namespace rg::theorems
