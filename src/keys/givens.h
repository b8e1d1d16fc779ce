// Rotations of single coordinate planes to their exact best angle, and sweeps over all planes
// (GS-6): they refine a rotation, and are all of the search that RoPE's commutant leaves.
#pragma once

#include <cstdint>
#include <span>

#include "keys/itq.h"
#include "keys/search.h"

namespace rg::keys {

// f(t) = sum_n |cos(t) x_n - sin(t) y_n| + |sin(t) x_n + cos(t) y_n|, pi/2-periodic; weights belong
// into x and y. f is concave between the angles where a term changes sign.
struct PlaneTurn {
  double angle;  // of the maximum, in [0, pi/2], radians
  double gain;   // f there
  double start;  // f(0)
};
// The exact maximum, in O(n) plus sorting of a few keys: bins of angles give f at their ends and a
// bound between, and only bins whose bound exceeds the best end are looked into. x, y (n).
PlaneTurn best_plane_turn(std::span<const float> x, std::span<const float> y);
double plane_gain(std::span<const float> x, std::span<const float> y, double angle);

// Sweeps over all planes (i, j), i < j, in order, from `start`; until a sweep gains less than the
// tolerance, relative, or `most_sweeps`. For the mean cosine or the pooled beta. values: one more
// than sweeps.
Search givens_sweeps(const ItqKeys& keys, const linear::Matrix& start, Metric metric,
                     uint32_t most_sweeps, double tolerance);

}  // namespace rg::keys
