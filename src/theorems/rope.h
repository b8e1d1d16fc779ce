// RC: what commutes with RoPE, what can be folded into the weights, and the limit that RoPE itself
// sets to the 1-bit cosine.
#pragma once

#include <vector>

#include "theorems/findings.h"
#include "theorems/rotary.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// The matrix of X |-> XA - BX on row-major entries of X: (rb ca, rb ca) for A (ca, ca), B (rb, rb).
Tensor sylvester_matrix(TensorView a, TensorView b);

// RC-1. A plane turned by `angle`, sin(angle) != 0: the matrices that commute with the turn are
// aI + bJ, two dimensions, all of positive determinant.
void plane_commutant(double angle, Findings& findings);

// RC-2. X rot(phi) = rot(psi) X with cos(phi) != cos(psi) has no solution but 0: the smallest
// singular value of the operator is the smaller of 2|sin((phi -+ psi) / 2)|.
void no_intertwiner(double phi, double psi, Findings& findings);
// An unrotated coordinate against a plane turned by `psi`, not a multiple of 2 pi: the same.
void no_intertwiner_with_rest(double psi, Findings& findings);

// RC-3. Frequencies in [0, pi), repeated or zero ones as often as they occur: dimension of what
// commutes with one step of RoPE, 2 sum_j m_j^2 + z^2, and of its antisymmetric part,
// sum_j m_j^2 + z(z-1)/2, the dimension of the group of rotations that commute.
void cage(const Rotary& rotary, Findings& findings);

// RC-4. Queries and keys (n, d); A = (B^-1)' before RoPE on queries, B (d, d) on keys. Scores at
// the given relative positions are unchanged.
void fold(const Rotary& rotary, TensorView b, TensorView queries, TensorView keys,
          VectorView positions, Findings& findings);
// For any invertible B, the largest change |B^-1 (T B - B T)|_2 of a score between unit vectors
// lies between |TB - BT|_2 / |B|_2 and |TB - BT|_2 |B^-1|_2, T one step of RoPE.
void fold_defect(const Rotary& rotary, TensorView b, Findings& findings);

// RC-5. Keys before the norm (n, d), gains (d) after it, in-plane angles (d/2). The turn after the
// gains, moved before the norm: keys stay the same exactly if both gains of every turned plane have
// one magnitude.
void fold_through_gains(TensorView keys, VectorView gains, VectorView angles, Findings& findings);
void gains_prevent_fold(TensorView keys, VectorView gains, VectorView angles, Findings& findings);

// The angles (d/2), found plane by plane, that maximise the mean cosine of the keys (n, d).
Vector best_plane_angles(TensorView keys);
// RC-6. An in-plane turn learned on `train` (n, d), phases uniform, gains nothing on `held_out`:
// within 4 standard errors of the paired differences.
void torus_lift(TensorView train, TensorView held_out, Findings& findings);
// Exactly: the mean of the 1-bit cosine over all turns of every plane by multiples of 2 pi / order
// is the same before and after a turn by steps[j] such multiples.
void cyclic_torus_average(TensorView keys, int order, const std::vector<int>& steps,
                          Findings& findings);

// RC-7. Every key (n, d), d even, averaged over common turns of all planes by multiples of
// 2 pi / shifts, then rotated: mean cosine and pooled beta at most
// sqrt(2) / (m sin(pi / 2m)), m = shifts / 2, and its square; 0.9003 and 8/pi^2 as m grows.
// Returns both divided by their ceilings: 1 if the keys reach it.
struct CeilingReached {
  double cosine, pooled;
};
CeilingReached rope_ceiling(TensorView keys, TensorView rotation, int shifts, Findings& findings);
// The same with the last `resting` coordinates unrotated: per key at most
// sqrt(s + 8/pi^2 (1 - s)), s the share of its energy there.
void rope_ceiling_with_rest(TensorView keys, Eigen::Index resting, TensorView rotation, int shifts,
                            Findings& findings);
// E|w cos(psi) + b| <= sqrt(b^2 + 4 w^2 / pi^2), the step used above; w > 0, b >= 0.
void offset_phase_bound(double w, double b, Findings& findings);

// RC-8. Keys (n, d) with uniform phases and radii that differ only between planes: divided by the
// radius of each plane they reach the ceiling of RC-7, over `shifts` common turns.
void plane_scaling(TensorView keys, int shifts, Findings& findings);
// E (q' dk)^2 over all queries and keys, dk the error of the MMSE 1-bit code taken after scaling
// plane j of the keys by scale[j] and undone: queries (m, d), keys (n, d).
double scaled_score_error(TensorView queries, TensorView keys, VectorView scale);
// One over the root mean square of each plane of the keys.
Vector inverse_plane_rms(TensorView keys);
// Lowers scaled_score_error from `start`, one plane at a time, for `sweeps` sweeps.
Vector descend_plane_scale(TensorView queries, TensorView keys, VectorView start, int sweeps);

}  // namespace rg::theorems
