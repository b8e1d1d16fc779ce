// Gauges that respect RoPE. In the planes only scaled rotations commute with it (RC-1, RC-2), on
// the coordinates that it leaves alone every matrix does (RC-3): what commutes folds into the
// weights at no cost (RC-4), unless gains of a QK-norm stand between (RC-5).
#pragma once

#include <cstdint>
#include <vector>

#include "keys/itq.h"
#include "keys/rotary_planes.h"
#include "keys/search.h"
#include "linear/matrix.h"

namespace rg::keys {

// Every plane turned by its own angle: the planes don't compete, so the exact best angle of each is
// the global optimum of the mean cosine or the pooled beta within the torus.
linear::Matrix torus_gauge(const ItqKeys& keys, const RotaryPlanes& planes, Metric metric);

// RC-8: plane j times 1 / root mean square of its two coordinates, an unrotated coordinate times 1
// / its own; 1 where that is 0. No rotation; queries are divided. From second moments of n keys.
linear::Matrix plane_scaling(const linear::Matrix& second_moments, double n,
                             const RotaryPlanes& planes);

// Lowers the mean squared score error (score_error.h) from `start`, a diagonal gauge: plane after
// plane a factor up or down, kept if the error falls; the factor is 1.5 and becomes its root after
// a sweep without a move. Every trial costs four products with all keys: a sample of some thousand
// is enough.
linear::Matrix descend_plane_scaling(const PackedKeys& keys, const RotaryPlanes& planes,
                                     const linear::Matrix& start,
                                     const linear::Matrix& query_moments, uint32_t sweeps);

// A rotation of every group of columns on its own, by ITQ from the groups' principal axes and
// Hadamard (where one exists) or the identity, whichever is ahead after four steps; columns in no
// group stay. The weights are those of the whole keys, so the metric is that of all columns. Mean
// cosine or pooled beta.
linear::Matrix block_rotation(const ItqKeys& keys, const std::vector<std::vector<uint32_t>>& groups,
                              Metric metric, const ItqOptions& options);

// All that folds and is orthogonal: the torus, and a rotation of the unrotated columns.
linear::Matrix foldable_rotation(const ItqKeys& keys, const RotaryPlanes& planes, Metric metric,
                                 const ItqOptions& options);

// |R T - T R| / |R| for one step T of RoPE: 0 exactly if the rotation folds (RC-4).
double commutation_defect(const linear::Matrix& gauge, const RotaryPlanes& planes);

}  // namespace rg::keys
