// The tensors of the checks: fp64 matrices, one key, query or token per row. A view borrows any
// row-major memory, so the checks can also run on a checkpoint's keys.
#pragma once

#include "linear/decompositions.h"

namespace rg::theorems {

using Tensor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using TensorView = Eigen::Ref<const Tensor>;  // (rows, coordinates)
using VectorView = Eigen::Ref<const Vector>;

}  // namespace rg::theorems
