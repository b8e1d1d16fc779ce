// RoPE as a matrix. Coordinates 2j and 2j+1 form plane j and turn by position * frequency j;
// unrotated coordinates follow. (Layouts that pair j with j + d/2 differ by a permutation.)
// Source: Su et al. 2021, section 3.4.2.
#pragma once

#include "theorems/tensors.h"

namespace rg::theorems {

struct Rotary {
  Vector frequencies;      // radians per position, one per plane
  Eigen::Index unrotated;  // coordinates without a plane
  Eigen::Index size() const { return 2 * frequencies.size() + unrotated; }
};

Vector standard_frequencies(Eigen::Index planes, double base);  // base^(-j/planes)

// Turns plane j by angles[j] and leaves `unrotated` further coordinates: (d, d).
Tensor plane_turn(VectorView angles, Eigen::Index unrotated);
Tensor rotary_matrix(const Rotary& rotary, double position);
// Row n of the keys (n, d) turned to position n.
Tensor at_positions(TensorView keys, const Rotary& rotary);

}  // namespace rg::theorems
