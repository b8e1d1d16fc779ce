// fp64 matrices of Eigen, one thread.
#pragma once

#ifndef EIGEN_DONT_PARALLELIZE
#error "set by the build: products on many threads would sum in another order"
#endif
#include <Eigen/Core>

namespace rg::linear {

using Matrix = Eigen::MatrixXd;  // (rows, columns), column-major
using Column = Eigen::VectorXd;

}  // namespace rg::linear
