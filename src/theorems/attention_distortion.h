// AD: how far errors of keys and values move an attention output. Scores are logits z (n), weights
// p = softmax(z), values rows (n, channels); osc(v) = max v - min v; TV half the one-norm.
#pragma once

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

double spread(VectorView values);                             // osc
double total_variation(VectorView p, VectorView other);       // |p - p'|_1 / 2
double covariance(VectorView p, VectorView x, VectorView y);  // under weights p
// min_b sum_i p_i |v_i - b|, b the weighted median.
double mean_deviation(VectorView p, VectorView values);

// AD-1. One pair of rows each (pairs, n): distance of weights over distance of scores, at most 1/2
// in the 1, 3/2, 2, 3 and sup norm, 1 from sup to 1, 1/4 from 1 to sup.
void softmax_lipschitz(TensorView scores, TensorView other_scores, TensorView weights,
                       TensorView other_weights, Findings& findings);
// J = diag(p) - p p': row sums of |J| are 2 p_i (1 - p_i), |J|_2 no larger than the largest, from
// sup to 1 it is max_A 4 P_A (1 - P_A) <= 1 over sets A, no entry above 1/4. p (n), n <= 12.
void softmax_jacobian(VectorView p, Findings& findings);

// AD-2. Rows as above: TV of the weights at most tanh(osc(difference of scores) / 4).
void variation_bound(TensorView scores, TensorView other_scores, TensorView weights,
                     TensorView other_weights, Findings& findings);

// AD-3. Queries (m, d), keys and coded keys (n, d), values and coded values (n, channels). The
// measured error M = |o' - o|_inf of every query against the chain
//   M <= B1 (TV) <= B2 (tanh) <= B3 (linear) <= B4 (Euclidean), B3 <= B5 (entrywise) <= linearised,
//   M <= B6 (multiplicative, AD-6),
// each plus max_i |dv_i|_inf. 1e-9 absolute.
void output_bounds(TensorView queries, TensorView keys, TensorView coded_keys, TensorView values,
                   TensorView coded_values, Findings& findings);

// AD-4. Keys (n, d), codes (n, d) with the MMSE scale, queries (m, d): |dk| = |k| sqrt(1 - beta),
// relative 1e-12; osc of the score errors at most 2 |q| max |k| sqrt(1 - beta) / sqrt(d).
void code_error_bound(TensorView queries, TensorView keys, TensorView codes, Findings& findings);
// Queries of one length (m, d), directions uniform: the mean square of the score error of every key
// is (|q| |k| sqrt(1 - beta) / d)^2, the mean over the keys within 5 standard errors.
void typical_score_error(TensorView queries, TensorView keys, TensorView codes, Findings& findings);

// AD-5. Scores z and errors (n), values (n, channels): the change of every output channel is the
// integral over t in [0, 1] of Cov(error, value) under softmax(z + t error), relative 1e-8 of the
// spread of the values, and at most the largest product of standard deviations on the way.
void covariance_form(VectorView scores, VectorView weights, VectorView errors,
                     VectorView other_weights, TensorView values, Findings& findings);
// Errors (cases, n): correlation of Cov(error, value) at t = 0 with the measured change.
double forecast_correlation(VectorView scores, TensorView errors, VectorView values);

// AD-6. Change of every channel at most (exp(osc(errors)) - 1) min_b E|v - b|. Returns the share of
// channels where this is below the bound of AD-3, tanh(osc / 4) osc(v).
double multiplicative_bound(VectorView weights, VectorView errors, VectorView other_weights,
                            TensorView values, Findings& findings);

}  // namespace rg::theorems
