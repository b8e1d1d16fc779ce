// What the checks compute on: fp64 matrices, one key, query or token a row. A view borrows any
// row-major memory, so a check that runs on synthetic tensors today runs on a checkpoint's keys
// too.
#pragma once

#include "linear/decompositions.h"

namespace rg::theorems {

using Tensor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using TensorView = Eigen::Ref<const Tensor>;  // (rows, coordinates)
using VectorView = Eigen::Ref<const Vector>;

}  // namespace rg::theorems
