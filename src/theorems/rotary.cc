#include "theorems/rotary.h"

#include <cmath>

namespace rg::theorems {

Vector standard_frequencies(Eigen::Index planes, double base) {
  Vector out(planes);
  for (Eigen::Index j = 0; j < planes; ++j) {
    out[j] = std::pow(base, -static_cast<double>(j) / static_cast<double>(planes));
  }
  return out;
}

Tensor plane_turn(VectorView angles, Eigen::Index unrotated) {
  const Eigen::Index planes = angles.size();
  Tensor out = Tensor::Identity(2 * planes + unrotated, 2 * planes + unrotated);
  for (Eigen::Index j = 0; j < planes; ++j) {
    const double c = std::cos(angles[j]), s = std::sin(angles[j]);
    out.block<2, 2>(2 * j, 2 * j) << c, -s, s, c;
  }
  return out;
}

Tensor rotary_matrix(const Rotary& rotary, double position) {
  return plane_turn(rotary.frequencies * position, rotary.unrotated);
}

Tensor at_positions(TensorView keys, const Rotary& rotary) {
  Tensor out(keys.rows(), keys.cols());
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    out.row(n) = keys.row(n) * rotary_matrix(rotary, static_cast<double>(n)).transpose();
  }
  return out;
}

}  // namespace rg::theorems
