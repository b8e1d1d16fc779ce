// The landscape around a rotation that a search has found: its Hessian (LH-4), how much of the
// curvature is that of a finite sample (LH-5), and how the search came near its end (LH-6).
// Velocities of rotations are skew matrices A of length sqrt(tr(A'A) / 2): a turn of one plane has
// its angle as its length.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "keys/itq.h"

namespace rg::keys {

// Of F(R) = sum_n w_n |R k_n|_1 / (n sqrt(d)), weights of the metric: the mean cosine itself, or
// the pooled one. All second derivatives in the eigenbasis of M are known from its eigenvalues m:
// -(m_i + m_j) / sqrt(d) per unit turn of plane (i, j). So the extremes over all directions are
// exact where R is critical, and no direction is sampled.
struct Curvature {
  double asymmetry;         // |M - M'| / |M|: 0 where R is critical
  double least_eigenvalue;  // of M's symmetric part, over |M|: not below 0 at a fixed point of ITQ
  double flattest, steepest;  // second derivatives, the largest and the smallest
  double condition;           // steepest / flattest, the last mile's length; none below 0: infinite
  // What coordinates that cross zero add to the population's Hessian over what the sample's loses,
  // in the mean of all directions. Near 1: the landscape is flat and nothing was learned. From keys
  // with |y_i| below a fifth of the coordinate's root mean square.
  double kink_ratio;
};
// Mean cosine or pooled beta.
Curvature curvature_at(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric);

// M = sum_n w_n sgn(y_n) y_n' / n, y = R k: (d, d).
linear::Matrix critical_matrix(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric);
// d^2/dt^2 F(e^(tA) R) at 0 for skew A: tr(A^2 M) / sqrt(d).
double second_derivative(const linear::Matrix& critical_matrix, const linear::Matrix& skew);

// Straight lines through log(last value - value), against the step t = 1, 2, ... and against log t:
// Akaike's criterion of each, lower is better, and the first one's slope. Values whose gap is below
// 1e-6 of the last are left out, being noise of fp32; none with fewer than 4 left.
struct Decay {
  double geometric, power;
  double rate;  // change of log(gap) per step
  uint32_t points;
};
std::optional<Decay> decay_of(std::span<const double> values);

}  // namespace rg::keys
