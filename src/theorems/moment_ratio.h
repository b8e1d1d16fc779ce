// MR: the average 1-bit cosine from the law of the coordinates: beta = (E|X|)^2 / E X^2.
#pragma once

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// MR-1. The ratio of all entries of a matrix: above 0 and at most 1; 1 minus it is the variance of
// |X| over E X^2; 1 only for entries of one magnitude; the same for tX.
void ratio_range(TensorView entries, Findings& findings);

// MR-2. Keys (n, d), n >= 2, whose coordinates were drawn independently from the pool: their mean
// cosine against sqrt(beta) of the pool. The bias is below kurtosis / d to leading order, from the
// second-order expansion of mean|x| / sqrt(mean x^2) and Cauchy-Schwarz; the rest is noise of n
// keys.
void cosine_of_independent_coordinates(TensorView keys, VectorView pool, Findings& findings);

// MR-3. Exact ratios of laws centred at 0, of any scale.
double generalised_gaussian_ratio(double exponent);  // density ~ exp(-|x|^p), p > 0
// MR-3. The ratio of independent draws against the law's, within 4 standard errors.
void ratio_of_draws(VectorView draws, double expected, Findings& findings);

// MR-4. The density phi (1 + k3/6 He3 + k4/24 He4) by quadrature, 1e-8: nowhere negative, of mass
// 1, mean 0 and variance 1; E|X| and beta against sqrt(2/pi) (1 - k4/24) and its square.
void gram_charlier(double skewness, double excess_kurtosis, Findings& findings);
// E|X| of that density by quadrature.
double gram_charlier_mean_size(double skewness, double excess_kurtosis);

// MR-5. Exact values for a uniformly random direction in d dimensions, d >= 1.
double sphere_beta(Eigen::Index d);    // 2/pi + (1 - 2/pi) / d
double sphere_cosine(Eigen::Index d);  // sqrt(d/pi) Gamma(d/2) / Gamma((d+1)/2)
double sphere_cosine_deviation(Eigen::Index d);
// MR-5. Cosines (rotations, keys) of fixed keys under independent Haar rotations, at least two:
// means of c and c^2 against the exact values. Keys under one rotation may depend on each other.
void sphere_means(TensorView cosines, Eigen::Index d, Findings& findings);

// (mean of channel RMS)^2 / mean of its square, over the columns: 1 if all channels are equal.
double anisotropy_factor(TensorView keys);
// MR-6. Columns that are multiples of equally distributed ones: beta_pool against the factor times
// the ratio of the columns brought to the same RMS, 1e-12, and at most that ratio. No column zero.
void unequal_channels(TensorView keys, Findings& findings);

}  // namespace rg::theorems
