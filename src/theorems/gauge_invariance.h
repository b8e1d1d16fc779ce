// GI: which changes of coordinates leave attention and routing unchanged. Keys and queries are
// rows; a matrix M changes a key k to Mk, so keys K to KM'.
#pragma once

#include <functional>
#include <vector>

#include "theorems/attention.h"
#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// GI-1. Queries (n, d), keys (m, d), a rotation (d, d): scores before and after, against the
// rounding of fp64: 4 d u |q| |k|.
void score_invariance(TensorView queries, TensorView keys, TensorView rotation, Findings& findings);

// max |A'B - I|: how much the scores of unit vectors change when queries are multiplied by A and
// keys by B, (d, d) each. 0 only for pairs that keep every score.
double score_defect(TensorView query_change, TensorView key_change);
// GI-2. A pair that should keep every score: A'B = I, so B = A^-T.
void score_keeping_pair(TensorView query_change, TensorView key_change, Findings& findings);

// One head and one query that looks at n keys.
struct Head {
  Vector query;   // (d)
  Tensor keys;    // (n, d)
  Tensor values;  // (n, d_v)
  Tensor output;  // (D, d_v)
};
// softmax(Kq / sqrt(d)) over the values, times the output matrix: (D).
Vector head_output(const Head& head);
// q -> M^-T q, k -> Mk, v -> Sv, W -> W S^-1.
Head in_gauge(const Head& head, TensorView key_gauge, TensorView value_gauge);
// GI-3. Outputs of a head and of the same head in another gauge: relative difference 1e-12. Needs
// logits up to some hundreds and well-conditioned gauges; otherwise rounding shows.
void same_output(const Head& head, const Head& gauged, Findings& findings);
// GI-3, the gauged head computed in fp32, up to 3e-6. Logits of order 1.
void same_output_in_fp32(const Head& head, const Head& gauged, Findings& findings);

// Scores of a linear router (E, D) after a residual attention layer and a norm without gain, for
// inputs (tokens, D): (tokens, E).
Tensor router_scores(const AttentionLayer& attention, TensorView router, TensorView inputs);
// A layer in another gauge: M (d, d) and S (d, d) for each key head. Values and the output matrix
// change where they are stored, queries and keys at run time, after RoPE.
AttentionLayer in_gauge(const AttentionLayer& layer, const std::vector<Tensor>& key_gauges,
                        const std::vector<Tensor>& value_gauges);
// GI-5 (a). Scores (tokens, E) of one model in two gauges: the largest difference is at most 1e-10
// times the largest score.
void same_scores(TensorView scores, TensorView gauged, Findings& findings);
// GI-5 (b). Among tokens whose margin exceeds twice their largest score error, 0 choose another set
// of k experts. Ties go to the lower index.
void decided_sets_stay(TensorView scores, TensorView computed, Eigen::Index k, Findings& findings);
// Tokens that choose another set.
Eigen::Index changed_sets(TensorView scores, TensorView computed, Eigen::Index k);

// max_i |T e_i|_1 - 1 for an orthogonal T (d, d): 0 only for signed permutations.
double spread_of_axes(TensorView rotation);
// GI-4. |c(Tk) - c(k)| for keys (n, d) and a T that should be a signed permutation.
void keeps_cosines(TensorView keys, TensorView rotation, Findings& findings);

using Quantiser = std::function<Tensor(TensorView)>;  // keys (n, d) to codes (n, d)
// M^-1 Q(Mk), (n, d).
Tensor decoded(TensorView keys, TensorView gauge, const Quantiser& quantiser);
// GI-6. With a quantiser that changes nothing the codec returns the keys, relative 1e-12.
void lossless_codec(TensorView keys, TensorView gauge, const Quantiser& quantiser,
                    Findings& findings);
// GI-6. Under a rotation the error of the key is the error of its code, relative 1e-12.
void codec_error(TensorView keys, TensorView rotation, const Quantiser& quantiser,
                 Findings& findings);
// GI-6. Scores of queries (m, d) on the codes, with q -> M^-T q (the only map that works), against
// scores on the decoded keys, relative 1e-12.
void folded_scores(TensorView queries, TensorView keys, TensorView gauge,
                   const Quantiser& quantiser, Findings& findings);

}  // namespace rg::theorems
