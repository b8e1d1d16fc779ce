// RG: routes by chance alone, how far a route is from changing, and what a change costs.
// Scores are rows (tokens, E) of logits, routes sets of k experts; ov = |A and B| / k.
#pragma once

#include <functional>
#include <vector>

#include "stats/order.h"
#include "theorems/findings.h"
#include "theorems/tensors.h"
#include "theorems/top_k.h"

namespace rg::theorems {

using Sets = std::vector<Set>;
Sets all_sets(Eigen::Index experts, Eigen::Index k);  // every k-subset, in lexicographic order
Vector overlaps(const Sets& a, const Sets& b);        // |A_n and B_n| / k of every pair
// How often each expert occurs, a set: (E).
Vector popularity(const Sets& sets, Eigen::Index experts);

// RG-1. Mean and variance of |A and B|, mean Jaccard index, B uniform: the formulas.
struct ChanceOverlap {
  double count, variance, jaccard;
};
ChanceOverlap chance_overlap(Eigen::Index experts, Eigen::Index k);
// One set against every k-subset: exactly.
void enumerated_overlap(const Set& set, Eigen::Index experts, Findings& findings);
// Drawn pairs: within 4 standard errors, the variance within 5.
void drawn_overlap(const Sets& a, const Sets& b, Eigen::Index experts, Findings& findings);

// RG-2. Mean overlap of all ordered pairs of the sets is sum pi_e^2 / k, at least k / E.
void popularity_null(const Sets& sets, Eigen::Index experts, Findings& findings);
// The best fixed set, by trying all, reaches the mean of the k largest pi_e over k: sum / k.
void best_fixed_set(const Sets& sets, Eigen::Index experts, Findings& findings);
// Pairs drawn independently from the pool, against its null: 4 standard errors.
void drawn_from_pool(const Sets& pool, const Sets& a, const Sets& b, Eigen::Index experts,
                     Findings& findings);

// RG-3. `chosen` of `groups` groups of E / groups experts at random, then k of theirs.
struct Grouping {
  Eigen::Index experts, groups, chosen, k;
};
struct GroupedNull {
  double mean, same_groups, variance;  // of ov
};
GroupedNull grouped_null(const Grouping& grouping);
// Pairs of sets with the groups they come from: means within 4 standard errors, the variance 5.
void drawn_grouped_overlap(const Grouping& grouping, const Sets& a, const Sets& groups_a,
                           const Sets& b, const Sets& groups_b, Findings& findings);
// Every outcome of a small grouping against every other: exactly.
void enumerated_grouped_overlap(const Grouping& grouping, Findings& findings);
// quotas[j] of the sizes[j] experts of group j: mean ov sum_j quotas^2 / sizes / k, by enumeration.
void enumerated_quota_overlap(const Set& sizes, const Set& quotas, Findings& findings);

// RG-4. The ceil(q T) lowest margins (T) of a window, or more with ties at the threshold.
Set low_margin_tail(VectorView margins, stats::Fraction q);
// Masses (T) >= 0, sum > 0: share in the tail, averaged over all cyclic placements, is |B| / T.
void cyclic_tail_share(VectorView margins, VectorView masses, stats::Fraction q,
                       Findings& findings);
// Placements (n, T) in random order; windows without mass count 0, so the mean is |B| / T times the
// share of the others: 4 standard errors.
void drawn_tail_share(VectorView margins, TensorView placements, stats::Fraction q,
                      Findings& findings);

// RG-5. Routes before and after a change of the scores: no set changes where the change stays below
// half the margin, and exactly those change where max (d_j - d_i - (s_i - s_j)) > 0.
void margin_stability(TensorView scores, const Sets& sets, TensorView other_scores,
                      const Sets& other_sets, Findings& findings);
// Moving both experts at the boundary by 1.001 times half the margin changes every set.
void half_margin_is_sharp(TensorView scores, Eigen::Index k, Findings& findings);
// RG-7. k ov >= number of i in T with s_i - s_(k+1) > 2 |change|_inf, for every row.
void overlap_bound(TensorView scores, const Sets& sets, TensorView other_scores,
                   const Sets& other_sets, Findings& findings);

// RG-6. A route as a function of the input (D), and a radius around one: no change at 0.999 of it
// along rows of `directions` (n, D); a change at 1.001 along `normal`.
using Router = std::function<Set(VectorView)>;
void constant_within(const Router& route, VectorView input, double radius, TensorView directions,
                     Findings& findings);
void changes_beyond(const Router& route, VectorView input, double radius, VectorView normal,
                    Findings& findings);
// Smallest (s_i - s_j) / |G_i - G_j| and where it points: from the inside to the boundary.
struct Radius {
  double length;
  Vector normal;  // (D), of length 1
};
Radius gate_radius(TensorView gate, VectorView logits, Eigen::Index k);
// Selection by sigmoid(G y) + bias: smallest (t_i - t_j) / ((|G_i| + |G_j|) / 4), a lower bound.
double biased_sigmoid_radius(TensorView gate, VectorView bias, VectorView input, Eigen::Index k);

// RG-11. Logits and their two parts (tokens, E): centred shares <s, a> / |s|^2 of every row add up
// to 1.
void additive_shares(TensorView logits, TensorView a, TensorView b, Findings& findings);
// A second part that shifts all logits of a row by `shift` leaves the sets and has centred share 0,
// for any norm ratio |b| / (|a| + |b|).
void shift_without_effect(TensorView a, double shift, Eigen::Index k, Findings& findings);

// RG-12. Spearman's correlation (mid-ranks for ties), of x (n) and y (n), none constant.
double spearman(VectorView x, VectorView y);
void spearman_invariance(VectorView x, VectorView increasing_of_x, VectorView y,
                         Findings& findings);
// Over all orders of y, n <= 9: mean 0, variance 1 / (n - 1), exact one-sided p at least 1 / n!.
// Returns the smallest p that an order reaches: 1 / n! without ties.
double spearman_null(VectorView x, VectorView y, Findings& findings);

}  // namespace rg::theorems
