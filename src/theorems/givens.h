// The exact best turn of one coordinate plane, the step of a Jacobi-style search over rotations.
#pragma once

#include "theorems/tensors.h"

namespace rg::theorems {

struct PlaneTurn {
  double angle;  // in [0, pi/2], radians
  double gain;   // plane_gain there
};

// sum_n w_n (|cos(t) x_n - sin(t) y_n| + |sin(t) x_n + cos(t) y_n|): pi/2-periodic in t, concave
// and sinusoidal between the angles where a term changes sign. x, y, w (n); w >= 0.
double plane_gain(VectorView x, VectorView y, VectorView weights, double angle);
// Its maximum, exactly, in O(n log n): that of each piece A cos(t) + B sin(t) is known.
PlaneTurn best_plane_turn(VectorView x, VectorView y, VectorView weights);

}  // namespace rg::theorems
