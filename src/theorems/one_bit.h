// One bit per coordinate: how well a key's signs represent it, averages over a head, and the
// rotation that ITQ searches. Keys are rows (n, d), no row zero; a rotation R maps a key k to Rk,
// so keys K to KR'. The sign of zero is +1: with 0 the cosine of a one-hot key would be 1.
#pragma once

#include <vector>

#include "theorems/tensors.h"

namespace rg::theorems {

Tensor turned(TensorView keys, TensorView rotation);  // KR', (n, d)
Tensor sign_code(TensorView keys);                    // of -1 and +1, (n, d)

// c(k) = |k|_1 / (sqrt(d) |k|_2), the cosine between a key and its signs: in [1/sqrt(d), 1].
double cos_1bit(VectorView key);
double beta(VectorView key);           // c(k)^2
Vector cosines_1bit(TensorView keys);  // (n)
Vector one_norms(TensorView keys);     // of every row, (n)

// Four ways to average, four numbers. Each beta is 1 - (squared error / energy) of the code with
// as many stored scales as its name says, each the best one.
double mean_cosine(TensorView keys);       // of c(k)
double beta_per_key(TensorView keys);      // sum |k_n|_1^2 / (d |K|_F^2)
double beta_per_channel(TensorView keys);  // sum_j (sum_n |K_nj|)^2 / (n |K|_F^2)
double beta_pooled(TensorView keys);       // (sum |K_nj|)^2 / (n d |K|_F^2): one scale for all

// Signs times the scale with the least squared error, |k_n|_1 / d for every key: (n, d).
Tensor mmse_code(TensorView keys);

// The rotation R with the largest tr(R'M) = sum_ij R_ij M_ij: UV' for M = USV' (orthogonal
// Procrustes). M square.
Tensor nearest_rotation(TensorView matrix);

// sum_n w_n sgn(Rk_n) k_n', (d, d): what an ITQ step fits. Weights (n), positive.
Tensor sign_moment(TensorView keys, TensorView rotation, VectorView weights);
// The objective of ITQ: sum_n w_n |Rk_n|_1.
double itq_gain(TensorView keys, TensorView rotation, VectorView weights);
// The best rotation for the signs under the current one (Gong and Lazebnik 2011).
Tensor itq_step(TensorView keys, TensorView rotation, VectorView weights);

struct Itq {
  Tensor rotation;            // (d, d)
  std::vector<double> gains;  // itq_gain at the start and after every step
  bool settled;               // no sign changed in the last step: a fixed point
};
Itq itq(TensorView keys, TensorView start, int steps, VectorView weights);
// w_n = 1 / |k_n|: the weights under which the gain is n sqrt(d) times the mean cosine.
Vector cosine_weights(TensorView keys);

}  // namespace rg::theorems
