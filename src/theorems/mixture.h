// RG-8, RG-9: a small mixture of experts, and its output along a segment.
#pragma once

#include <vector>

#include "theorems/findings.h"
#include "theorems/tensors.h"
#include "theorems/top_k.h"

namespace rg::theorems {

enum class WeightRule { full_softmax, renormalised_softmax, normalised_sigmoid };

struct Mixture {
  Tensor gate;                  // (E, D)
  Vector bias;                  // (E), added for the selection only: to logits, or to sigmoids
  std::vector<Tensor> experts;  // (D, D) each: expert e gives tanh(V_e y)
  WeightRule rule;
  Eigen::Index k;
};

Set chosen(const Mixture& mixture, VectorView input);
Vector weights(const Mixture& mixture, VectorView input, const Set& set);  // (E), 0 outside
Tensor expert_outputs(const Mixture& mixture, VectorView input);           // (E, D)
Vector output(const Mixture& mixture, VectorView input);                   // (D)

// A change of the set between two neighbouring points of a segment from a to b.
struct Crossing {
  double before, after;  // places in [0, 1]
};
// All changes: from `grid` equal pieces, each halved until its ends are neighbouring numbers.
std::vector<Crossing> crossings(const Mixture& mixture, VectorView a, VectorView b, int grid);

// RG-8. At the first crossing expert j replaces expert i and the output jumps by w (E_j - E_i),
// relative 1e-6, w at most 1/k if weights are normalised over the set, else 1/(k + 1). No bias.
void jump_identity(const Mixture& mixture, VectorView a, VectorView b, Findings& findings);
// With a bias: w_j' E_j - w_i E_i + sum over the others of (w' - w) E.
void biased_jump_identity(const Mixture& mixture, VectorView a, VectorView b, Findings& findings);
// The difference quotient across the crossing grows 16-fold on a 16 times finer grid.
void quotient_growth(const Mixture& mixture, VectorView a, VectorView b, Findings& findings);

// RG-9. Full softmax over logits (E), outputs (E, D), i in the set, s_i >= s_j: replacing i by j
// changes the output by w_i E_i - w_j E_j, w_j = exp(-m) w_i, of norm at most
// w_i |E_i - E_j| + w_i (1 - exp(-m)) |E_j|.
void swap_cost(VectorView logits, TensorView outputs, Eigen::Index i, Eigen::Index j,
               Findings& findings);
// Full softmax: how fast the output can change within a set: max |V_e|_2 + sqrt(D) max |G_i|_2.
double smooth_constant(const Mixture& mixture);
// |f(b) - f(a)| <= constant |b - a| + sum of the jumps on the way.
void path_bound(const Mixture& mixture, VectorView a, VectorView b, double constant,
                Findings& findings);

}  // namespace rg::theorems
