#include "linear/decompositions.h"

// The unsupported header needs <cmath> and the rest before it.
#include <Eigen/LU>
#include <unsupported/Eigen/MatrixFunctions>

namespace rg::linear {

Matrix exponential(const Matrix& matrix) { return matrix.exp(); }

}  // namespace rg::linear
