// JF: what one bit per coordinate keeps of a key; the only assumption is that the key isn't zero.
// Keys are rows (n, d), no row zero; c is cos_1bit of one_bit.h.
#pragma once

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// JF-1. k's / (|k| |s|) against c(k), for codes s (n, d) that agree with the keys' signs and are -1
// or +1 where a key is 0; and c(tk) against c(k).
void cosine_formula(TensorView keys, TensorView codes, Findings& findings);

// JF-2. 1/sqrt(d) <= c <= 1.
void cosine_range(TensorView keys, Findings& findings);
// JF-2, the ends: a key has cosine 1 exactly if its coordinates have one magnitude, 1/sqrt(d)
// exactly if only one of them is not zero. An end counts as reached within 1e-13.
void cosine_extremes(TensorView keys, Findings& findings);

// JF-3. |k - a sgn(k)|^2 at a = |k|_1 / d against |k|^2 (1 - c^2), and at other scales against
// that plus d (a - |k|_1 / d)^2.
void residual_energy(TensorView keys, Findings& findings);

// JF-4. The least error over patterns sgn(k) * flip, each with its best scale a >= 0 and with
// others near it, against 1 - c^2. Flips (m, d) of -1 and +1, without the row of ones.
void best_pattern(TensorView keys, TensorView flips, Findings& findings);
// JF-4, all patterns, d <= 12: also that the least error is 1 - c^2 and that 2^z of them reach it
// for a key with z zeros.
void best_pattern_of_all(TensorView keys, Findings& findings);

// JF-5. The errors of the least-error, the norm-keeping and the unbiased scale against 1 - c^2,
// 2 (1 - c), 1/c^2 - 1; their order; the key's product with its code.
void three_scales(TensorView keys, Findings& findings);
// JF-5, the effect on attention: each key in turn, times `sharpness`, is the query. Its logit on
// its own code is beta times the exact one with the least-error scale, and exact with the unbiased
// scale; so the former gives the own key less attention, on average.
void scales_in_attention(TensorView keys, double sharpness, Findings& findings);

// JF-6. 1 - beta against the variance of |k_i| over their mean square, beta against 1 / (1 + CV^2).
void variance_identity(TensorView keys, Findings& findings);

// JF-7. beta_pool <= beta_E, beta_pool <= beta_ch, (mean c)^2 <= mean c^2.
void aggregate_order(TensorView keys, Findings& findings);

}  // namespace rg::theorems
