// MH: gauges of a layer of several heads, one per key head.
#pragma once

#include <vector>

#include "theorems/attention.h"
#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// MH-1. Gauges (d, d), one per key head, folded into the weights before RoPE or applied after it;
// queries get the inverse transpose, values their own gauge, which the output matrix undoes. Inputs
// (tokens, D) plus attention stay the same, relative 1e-12 of their norm.
void folded_bundle(const AttentionLayer& layer, TensorView inputs,
                   const std::vector<Tensor>& gauges, const std::vector<Tensor>& value_gauges,
                   Findings& findings);
void online_bundle(const AttentionLayer& layer, TensorView inputs,
                   const std::vector<Tensor>& gauges, const std::vector<Tensor>& value_gauges,
                   Findings& findings);

// The scores of the heads of one concatenated query and key (heads d): (heads).
Vector head_scores(VectorView query, VectorView key, Eigen::Index heads);

// MH-2. For a rotation R of all heads at once (heads d, heads d), every row block matched with the
// column block where most of it lies: the largest change of a head's score between unit vectors is
// the largest singular value of a row block outside of its match. R orthogonal.
void head_mixing(TensorView rotation, Eigen::Index heads, Findings& findings);
// R permutes and turns heads and does nothing else: outside norm and change at most 1e-12.
void head_bundle(TensorView rotation, Eigen::Index heads, Findings& findings);

// MH-4. Keys (n, d), one tensor per head, equal n. Largest sum of one-norms found with one rotation
// shared by all heads, with one per head, with one of the concatenated heads: ascending, since each
// search starts at the result of the previous one.
void cost_of_sharing(const std::vector<Tensor>& keys, TensorView start, int steps,
                     Findings& findings);
// d = 2, where the best rotation is found exactly.
void exact_cost_of_sharing(const std::vector<Tensor>& keys, Findings& findings);

}  // namespace rg::theorems
