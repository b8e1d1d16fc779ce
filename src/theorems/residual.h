// RR: a 1-bit code with a low-rank correction. Keys and their codes are rows (n, d); gamma_r(M) is
// the share of |M|_F^2 in the r largest singular values.
#pragma once

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

double captured_share(TensorView matrix, Eigen::Index rank);  // gamma_r; 1 for the zero matrix
Tensor truncated(TensorView matrix, Eigen::Index rank);       // its best approximation of that rank

// RR-1. Squared error of the truncation, against the squared singular values left out.
void truncation_error(TensorView matrix, Eigen::Index rank, Findings& findings);
// Another matrix of that rank has no smaller error.
void no_better(TensorView matrix, TensorView other, Eigen::Index rank, Findings& findings);

// RR-2. Keys, their MMSE code, then a correction of the residual E: relative squared error
// (1 - beta_E(K)) (1 - gamma_r(E)), relative 1e-10.
void post_correction(TensorView keys, TensorView code, Eigen::Index rank, Findings& findings);
// RR-3. Low rank first, then the MMSE code of the rest: (1 - gamma_r(K)) (1 - beta_E(K - K_r)).
void pre_correction(TensorView keys, TensorView code_of_rest, Eigen::Index rank,
                    Findings& findings);
// (1 - beta_E(K)) (1 - gamma_r(K)), which is neither.
double mixed_product(TensorView keys, Eigen::Index rank);
double post_correction_error(TensorView keys, TensorView code, Eigen::Index rank);  // relative

// RR-4. gamma_r of the keys is the same in the gauge R (d, d).
void key_share_is_invariant(TensorView keys, TensorView rotation, Eigen::Index rank,
                            Findings& findings);

// RR-5. Bits per coordinate: one sign each, plus `rank` coefficients and a scale of 16 bits.
double bits_per_coordinate(Eigen::Index rank, Eigen::Index width);
// Least squared error of a normal variable with 2 bits: Lloyd 1982, Max 1960.
double two_bit_error();
// White residuals (n, d): gamma_r at most 10 % above r/d (1 + sqrt(d/n))^2; along the same
// directions, the share of others, `held_out` (m, d), is r/d within 5 standard errors.
void white_residual(TensorView residuals, TensorView held_out, Eigen::Index rank,
                    Findings& findings);
// Share of the energy of `held_out` along the first directions of `calibration`.
double held_out_share(TensorView calibration, TensorView held_out, Eigen::Index rank);

}  // namespace rg::theorems
