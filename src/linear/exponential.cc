#include "linear/decompositions.h"

// Eigen's unsupported header needs <cmath> and the others included before it.
#include <Eigen/LU>
#include <unsupported/Eigen/MatrixFunctions>

namespace rg::linear {

Matrix exponential(const Matrix& matrix) { return matrix.exp(); }

}  // namespace rg::linear
