// GS: searching a rotation that makes keys look like signs. Keys are rows (n, d), weights (n).
#pragma once

#include <vector>

#include "theorems/findings.h"
#include "theorems/givens.h"
#include "theorems/one_bit.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// GS-1. The gains of a run never fall, relative 1e-12; it ends when no sign changes, and then
// M = sum_n w_n sgn(y_n) y_n', y = Rk, is symmetric (relative 1e-8) and has no negative eigenvalue.
void itq_climbs(TensorView keys, VectorView weights, const Itq& run, Findings& findings);

// GS-2. (a) With weights 1/|k| ITQ's gain is n sqrt(d) times the mean cosine, (b) with weights 1
// its square is n d |K|_F^2 times the pooled beta, in the gauge R.
void gains_are_metrics(TensorView keys, TensorView rotation, Findings& findings);
// Steps from `start`: mean cosine, pooled beta, and, with weights |R k|_1 refreshed at every step,
// beta per key never fall, each in its own search.
void climb_own_metric(TensorView keys, TensorView start, int steps, Findings& findings);
// Mean of (q' e)^2 over the queries (m, d), for one error e (d): e' S e, S their second moments.
void query_error(TensorView queries, TensorView second_moments, VectorView error,
                 Findings& findings);
// Least of (k - a s)' S (k - a s) over scales a, for signs s with s' S s > 0.
double best_scaled_error(TensorView second_moments, VectorView key, VectorView signs);

// GS-4's bound as a formula of n keys of d coordinates, so that a test can plant a wrong one; its
// first term alone for delta = 2.
using GapBound = double (*)(Eigen::Index n, Eigen::Index d, double delta);
// 2 sqrt(d/n) + sqrt(ln(2/delta) / 2n)
double generalisation_bound(Eigen::Index n, Eigen::Index d, double delta);
// GS-4. |mean cosine in sample - held out| <= the bound, plus 5 standard errors of the held-out
// mean.
void generalisation_gap(TensorView train, TensorView held_out, TensorView rotation, double delta,
                        GapBound bound, Findings& findings);
// GS-4, what the first term is proved from: twice the Rademacher average after contraction, sqrt(d)
// E|(1/n) sum e_i k_i / |k_i||, over all 2^n signs, n <= 16. At most the term, 1e-12; equal to it
// for orthogonal keys.
void rademacher_term(TensorView keys, bool orthogonal, GapBound bound, Findings& findings);
// GS-4, the second term for one rotation: keys half one-hot and half on the lattice, in so many
// dimensions that c is 0 or 1. Exact binomial tails are at most delta, and their exponent is within
// 5 % of its.
void confidence_term(GapBound bound, Findings& findings);
// GS-4. d orthogonal directions, each drawn equally often, and the rotation that favours the half
// drawn most: the gap over the first term, (1 / sqrt(2) - 1 / sqrt(d)) / sqrt(8 pi) for many keys.
// d a power of two, from 4.
void gap_of_frequencies(const std::vector<Eigen::Index>& drawn, GapBound bound, Findings& findings);

// GS-5. Rotations that make cosines 1, the keys orthogonal, d a power of two; one key, any d; two
// keys whose cosine is (d - 2m) / d.
Tensor hadamard_fit(TensorView keys);  // n <= d
Tensor single_key_fit(VectorView key);
Tensor two_key_fit(VectorView key, VectorView other);  // for the nearest such m
// R is orthogonal and every cosine of the turned keys is 1, 1e-12.
void perfect_fit(TensorView keys, TensorView rotation, Findings& findings);

// GS-6. The gain of a plane has period pi/2, is the sum over radii and angles, and `turn` is its
// maximum: no smaller than on `grid` angles.
void exact_turn(VectorView x, VectorView y, VectorView weights, const PlaneTurn& turn, int grid,
                Findings& findings);
// Turns every plane in order to its best angle, for `sweeps` sweeps: the weighted sum of one-norms
// never falls.
void sweeps_climb(TensorView keys, VectorView weights, int sweeps, Findings& findings);

}  // namespace rg::theorems
