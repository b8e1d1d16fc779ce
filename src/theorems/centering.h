// DC: the effect of subtracting a mean from the keys before coding. Keys are rows (n, d); their
// dataset mean is a vector of R^d, not the mean of a key's coordinates.
#pragma once

#include "theorems/findings.h"
#include "theorems/rotary.h"
#include "theorems/tensors.h"

namespace rg::theorems {

Vector mean_key(TensorView keys);                     // (d)
Tensor without(TensorView keys, VectorView removed);  // k - removed
Tensor without_coordinate_means(TensorView keys);     // k - mean(k) (1, ..., 1)

// Largest difference of attention weights softmax(q'k_n / sqrt(d)) between two versions of the same
// keys, over queries (m, d).
double attention_change(TensorView queries, TensorView keys, TensorView other_keys);
// DC-1. Subtracting one vector from all keys changes no weight by more than 1e-13. Logits up to
// some hundreds; with larger ones rounding shows.
void shift_keeps_attention(TensorView queries, TensorView keys, VectorView removed,
                           Findings& findings);

// Row n is T_n mean: (n, d).
Tensor correction_table(VectorView mean, const Rotary& rotary, Eigen::Index n);
// DC-2. Queries and keys (n, d) at positions 0..n-1, and a table that should be the mean's: scores
// q_m' T_(n-m) k_n against scores of keys without the mean plus (T_m q_m)' table_n, 1e-12 relative
// to the longest query and key.
void correction_restores_scores(TensorView queries, TensorView keys, VectorView mean,
                                TensorView table, const Rotary& rotary, Findings& findings);
// Spread over n of q' T_n mean: 0 for every query exactly if RoPE doesn't rotate the mean.
double correction_spread(VectorView query, VectorView mean, const Rotary& rotary, Eigen::Index n);
// Per plane, the share of the mean's energy that remains in the average of T_n mean over n
// positions from 0: (planes).
Vector surviving_shares(VectorView mean, const Rotary& rotary, Eigen::Index n);
// DC-2. Those shares against (sin(nw/2) / (n sin(w/2)))^2, 1e-12.
void shares_by_frequency(VectorView mean, const Rotary& rotary, Eigen::Index n, Findings& findings);

// The best of three averages over all rotations of the plane; keys (n, 2), no row zero. Reflections
// add nothing: they are rotations up to signs and order of the coordinates, which change no
// average. Fine grid, then a finer one around its best: 1e-8 for keys of comparable lengths.
struct Suprema {
  double mean_cosine, per_key, pooled;
};
Suprema suprema_in_plane(TensorView keys);
// The best mean cosine over a grid of rotations of R^3, and how much better a rotation between grid
// points could be: a cosine changes by at most the rotation angle. Keys (n, 3), no row zero.
struct GridBest {
  double best, slack;
};
GridBest best_mean_cosine_in_space(TensorView keys, int steps_of_half_turn);

// The reflection that maps v/|v| to (1, ..., 1)/sqrt(d).
Tensor mirror_to_ones(VectorView v);

double mean_size(double r);           // E|r + Z|, Z standard normal
double cloud_pooled_ratio(double r);  // mean_size(r)^2 / (1 + r^2)
// DC-4. Keys of N(mean, sigma^2 I), n >= 2: pooled ratio in the gauge that turns the mean towards
// (1, ..., 1), against cloud_pooled_ratio, r = |mean| / (sigma sqrt(d)); pooled ratio of the
// centred keys against 2/pi. Within 4 standard errors.
void cloud_ratios(TensorView keys, VectorView mean, double sigma, Findings& findings);

// DC-5. Errors of the codes with a scale per key and with one scale, for keys in one gauge and for
// centred keys in another, against E|k|^2 (1 - beta_raw) and E|k|^2 (1 - eta)(1 - beta_cen), 1e-12
// relative; and whether centring lowers the error exactly if beta_cen > (beta_raw - eta)/(1 - eta).
void centering_errors(TensorView keys, TensorView raw_gauge, TensorView centred_gauge,
                      Findings& findings);
// DC-5. Keys of N(mean, sigma^2 I), one scale, one gauge for both: the centred error is
// d sigma^2 (1 - 2/pi) and at most the raw one. Within 4 standard errors.
void gaussian_centering(TensorView keys, VectorView mean, double sigma, TensorView gauge,
                        Findings& findings);

// DC-6. The best gauge, or one as good: its mean cosine is at least the mean cosine between keys
// and the direction, up to 1e-12.
void beats_alignment(TensorView keys, VectorView direction, TensorView gauge, Findings& findings);

}  // namespace rg::theorems
