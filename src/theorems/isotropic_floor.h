// IF: what a rotation does for keys that it was not fitted to, and what "isotropic" must mean.
#pragma once

#include <vector>

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// IF-2. New keys (n, d), n >= 2, of a rotation-invariant law, independent of the rotation (d, d):
// mean of c(Rk) - c(k) is 0 within 4 standard errors.
void no_lift(TensorView fresh_keys, TensorView rotation, Findings& findings);

// IF-3. The key R'e_1 is turned into a one-hot key: c = 1/sqrt(d).
void worst_key(TensorView rotation, Findings& findings);
// IF-3. The worst of the keys (n, d), each averaged over all rotations of the list: the means of
// beta and of c are at most those of a uniform direction. Holds for the worst of all keys; random
// keys are enough, since one of them is below its own mean.
void worst_mean(TensorView keys, const std::vector<Tensor>& rotations, Findings& findings);

// IF-4. Keys of mean 0 and covariance I that `rotation` takes to the sign lattice: mean and
// covariance within `moment_tolerance`, c(Rk) = 1 within 1e-13.
void white_keys_on_the_lattice(TensorView keys, TensorView rotation, double moment_tolerance,
                               Findings& findings);

// 2/pi (mean sqrt(s))^2 / mean s for s = diag(R S R'): beta_pool of normal keys of covariance S.
double gaussian_pooled_ratio(TensorView covariance, TensorView rotation);
// IF-5. Keys (n, d), n >= 2, of N(0, S), and a rotation independent of them: their pooled ratio
// against that formula and below 2/pi, within 4 standard errors.
void gaussian_ceiling(TensorView keys, TensorView covariance, TensorView rotation,
                      Findings& findings);

// IF-6, over every choice of signs: H (d, d), d <= 16, with entries of size 1/sqrt(d). For every
// key: (i) each coordinate of HDk has mean square |k|^2/d; (ii) mean c >= 1/sqrt(2); (iv) mean c is
// within |k|_3^3/|k|^3 of sqrt(2/pi), and that is at most |k|_inf/|k|. Up to 1e-13, relative.
void hadamard_over_all_signs(TensorView keys, TensorView hadamard, Findings& findings);
// Cosines of HDk, one per row of signs (draws, d).
Vector hadamard_cosines(VectorView key, TensorView hadamard, TensorView signs);
// IF-6 (ii) and (iv) over independent signs (draws, d), draws >= 2, within 4 standard errors;
// against the exact mean for a key with m equal entries, E|sum of m signs| / sqrt(m).
void hadamard_over_draws(VectorView key, TensorView hadamard, TensorView signs, Findings& findings);
double mean_size_of_sign_sum(int terms);  // E|e_1 + ... + e_m|, m >= 1

// IF-7. Independent cosines of uniformly random directions: their standard deviation within 10 % of
// sqrt((1 - 3/pi) / d), tail frequencies below 2 exp(-(d - 2) t^2 / 2) plus 4 standard errors.
void concentration(VectorView cosines, Eigen::Index d, Findings& findings);

}  // namespace rg::theorems
