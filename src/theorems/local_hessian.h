// LH: the landscape of the 1-bit cosine near the sign lattice and at the end of a search.
// Velocities of rotations are skew matrices A (d, d), of length sqrt(tr(A'A) / 2): turning one
// plane by an angle has that angle as its length. Second differences replace Hessians.
#pragma once

#include <vector>

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

Tensor turn_of(TensorView skew);      // e^A
double turn_length(TensorView skew);  // sqrt(tr(A'A) / 2)

// On the geodesic cos(t) s/sqrt(d) + sin(t) v the signs stay s up to this angle: tan(t) sqrt(d)
// |v|_inf < 1.
double region_limit(VectorView direction);
// LH-1. s (d) of -1 and +1, v (d) a unit vector orthogonal to it, |angle| below the limit: c, beta
// and 1 - beta against cos, cos^2, sin^2, 1e-13.
void geodesic_profile(VectorView signs, VectorView direction, double angle, Findings& findings);
// LH-2, along the same geodesic: second differences of beta against -2 cos(2 angle) and
// -2 (2 beta - 1), 1e-5 of 2.
void geodesic_curvature(VectorView signs, VectorView direction, double angle, Findings& findings);

// LH-2. Second differences of beta(e^(tA) s/sqrt(d)) at t = 0 against -2 |A s|^2 / d, 1e-5
// relative.
void lattice_curvature(VectorView signs, TensorView skew, Findings& findings);
// LH-2. The whole Hessian by differences, d <= 10: d - 1 eigenvalues -2, the other
// (d - 1)(d - 2) / 2 are 0, up to 1e-5.
void lattice_spectrum(VectorView signs, Findings& findings);

// Gradient of R -> c(Rk) at R = I for the unit key k/|k|: (sk' - ks') / sqrt(d), skew (d, d).
Tensor cosine_gradient(VectorView key);
// LH-3. Keys (n, d) without zeros, a velocity: the gradients' squared lengths against 1 - c^2 and
// 4 beta (1 - beta), and at least 1 - c; their product with the velocity against differences.
void gradient_identity(TensorView keys, TensorView skew, Findings& findings);
// LH-3. Gradient flow from a key by steps of length `step` << 1: the loss 1 - c stays below
// (its start) e^-t, and no sign changes.
void flow_contracts(VectorView key, double step, int steps, Findings& findings);

// (1/n) sum w_n sgn(y_n) y_n' with y_n = Rk_n: (d, d).
Tensor critical_matrix(TensorView keys, TensorView rotation, VectorView weights);
// LH-4. F(R) = (1/n) sum w_n |Rk_n|_1 / sqrt(d), keys (n, d) without zeros after R: first and
// second differences of F(e^(tA) R) against tr(AM') / sqrt(d) and tr(A^2 M) / sqrt(d), 1e-5
// relative plus rounding; the latter against the sum over eigenvalues of M's symmetric part, 1e-12.
void second_order_expansion(TensorView keys, TensorView rotation, VectorView weights,
                            TensorView skew, Findings& findings);
// LH-4. At a fixed point of ITQ, M is symmetric to 1e-8 and its least eigenvalue at least -1e-10,
// relative to |M|_F; so no m_i + m_j is below 0, and no second difference above it. The condition
// number is max (m_i + m_j) / min (m_i + m_j).
void itq_fixed_point(TensorView keys, TensorView rotation, VectorView weights, Findings& findings);

// LH-5. The two parts of the second derivative of E|e^(tA) y|_1: mean of sgn(y)'A^2 y, and twice
// the sum over i of p_i(0) E[(Ay)_i^2 | y_i = 0], estimated from the rows with |y_i| < bandwidth.
struct Curvature {
  double smooth, kink;
};
Curvature population_curvature(TensorView rotated_keys, TensorView skew, double bandwidth);
// LH-5. Keys N(0, I), under any rotation: the parts cancel, up to 10 % of the first, which is
// -sqrt(2/pi) |A|_F^2.
void flat_population(TensorView rotated_keys, TensorView skew, double bandwidth,
                     Findings& findings);

// arccos(sqrt(b0)) - arccos(sqrt(b1)): the angle from one beta to a higher one.
double way_between(double beta_start, double beta_end);
// LH-6. Along a geodesic of LH-1, angles 0 < end < start below its limit: the angle by the formula
// against start - end, 1e-12; d theta / d beta against differences, 1e-5 relative.
void way_along_geodesic(VectorView signs, VectorView direction, double start, double end,
                        Findings& findings);
// What a gradient step leaves of 1 - c at most, as a formula, so that a test can plant a wrong one.
using Contraction = double (*)(double eta);
double step_contraction(double eta);  // 1 - eta/2
// LH-6. Gradient steps R <- e^(eta grad c) R for one key, 0 < eta <= 1/2: each multiplies 1 - c by
// at most the contraction. Ends at 1 - c < 1e-12 or after `steps`.
void gradient_steps(VectorView key, double eta, int steps, Contraction contraction,
                    Findings& findings);
// A key after one such step: turned by the angle eta sin(theta) towards its signs, cos(theta) = c,
// in the plane of both. No signs if c = 1.
Vector after_gradient_step(VectorView key, double eta);
// LH-6, what the contraction is proved from. On the geodesic and with eta = 1/2, 1/5, 1/20: the
// step by the matrix exponential against the turn, 1e-12; 1 - c_new <= (1 - eta (1 - eta/2) (1 +
// c)) (1 - c) at angles up to the limit of the region, attained for c -> 1: (1 - eta)^2, 1e-6; the
// contraction against both, and the share of it that is left at the lattice for eta = 1/2: 1/3.
void sharp_contraction(VectorView signs, VectorView direction, Contraction contraction,
                       Findings& findings);
// LH-6, beyond the region: a nearly one-hot key (d) keeps 1 - sin(eta) of 1 - c for d -> infinity.
void contraction_of_one_hot_key(Eigen::Index d, Contraction contraction, Findings& findings);
// LH-6. Steps of angle delta along the geodesic towards the lattice: after ceil((start - delta/2) /
// delta) steps 1 - beta <= sin^2(delta/2), and never below sin^2 of the start's remainder.
void fixed_angle_steps(VectorView signs, VectorView direction, double start, double delta,
                       Findings& findings);

// Akaike's criterion for straight lines through log(gap_t), t = 1, 2, ..., against t and against
// log t; lower is better. Gaps positive, at least 4.
struct DecayFit {
  double geometric, power;
};
DecayFit decay_fit(VectorView gaps);
// LH-6. Gaps between the last value of a search and its value after every step: closer to geometric
// decay than to a power of t.
void decay_of_search(const std::vector<double>& values, Findings& findings);

}  // namespace rg::theorems
