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

// The bounds of IF-6 (iv) and IF-7 as formulas of their own, so that a test can plant a wrong one.
using KeyBound = double (*)(VectorView key);
using TailBound = double (*)(Eigen::Index d, double t);
double third_moment_bound(VectorView key);             // |k|_3^3 / |k|_2^3
double concentration_bound(Eigen::Index d, double t);  // 2 exp(-(d - 2) t^2 / 2)

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

// Wasserstein-1 distance between the law of equally likely atoms and N(0, 1): the integral of the
// distance of the distribution functions, interval by interval in closed form.
double distance_to_normal(Vector atoms);
// IF-6 (iv), what it is proved from, over every choice of signs, d <= 16: the first coordinate of
// HDk, brought to variance 1, has a law within `bound` of the normal one, up to 1e-12 (Goldstein
// 2010). Its first absolute moment is then as close.
void law_of_a_coordinate(TensorView keys, TensorView hadamard, KeyBound bound, Findings& findings);
// IF-6 (iv). The second inequality is attained by keys of equal entries; what share of the bound
// the nearest key, a one-hot one, reaches: 0.5354 for the law, 1 - sqrt(2/pi) for mean c.
void reach_of_third_moments(Eigen::Index d, KeyBound bound, Findings& findings);

// IF-7, what it is proved from: the bound is Levy's, for every function of Lipschitz constant 1,
// and the linear one attains its exponent. Exact tails of u_1 against it in few dimensions; in
// many, their exponent within 5 % of the bound's.
void levys_inequality(TailBound bound, Findings& findings);
// IF-7. No function with a smaller Lipschitz constant would do: sqrt(1 - 1/d) is attained.
void steepest_slope(Eigen::Index d, Findings& findings);
// IF-7. The exact deviation of c falls like 1/sqrt(d), and its square is 1 - 3/pi of the variance
// that the bound allows.
void spread_over_dimensions(TailBound bound, Findings& findings);

// IF-7. Independent cosines of uniformly random directions: their standard deviation within 10 % of
// sqrt((1 - 3/pi) / d) and within 5 standard errors of the exact one (MR-5), tail frequencies below
// the bound plus 5 standard errors.
void concentration(VectorView cosines, Eigen::Index d, TailBound tail_bound, Findings& findings);

}  // namespace rg::theorems
