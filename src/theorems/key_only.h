// KR: what the keys of a token tell about its route. Keys are linear maps K (m, D) that include a
// learned gain before them, if any; gates are G (E, D); inputs are rows (n, D).
#pragma once

#include <vector>

#include "theorems/attention.h"
#include "theorems/findings.h"
#include "theorems/tensors.h"
#include "theorems/top_k.h"

namespace rg::theorems {

struct RmsNorm {
  Vector gain;     // (D)
  double epsilon;  // x / sqrt(|x|^2 / D + epsilon), then times the gain
};
Tensor normed(TensorView rows, const RmsNorm& norm);

Tensor expert_centred(TensorView gate);  // G minus the mean of its rows: C G
// eta = |C G (I - P)|_F^2 / |C G|_F^2, P the projection on the row space of K: 0 if the keys
// contain everything that routing depends on, 1 if nothing.
double invisible_share(TensorView keys, TensorView gate);
std::vector<Set> routes(TensorView logits, Eigen::Index k);  // of every row

// KR-1. Is there a function from summaries (n, m), compared bit by bit, to routes? By building its
// table, and by searching for two inputs with the same summary and different routes.
bool factors(TensorView summaries, const std::vector<Set>& routes);
bool collides(TensorView summaries, const std::vector<Set>& routes);
void factorisation_criterion(TensorView summaries, const std::vector<Set>& routes,
                             Findings& findings);

// KR-2. eta is 0, and a linear map recovers the sets of G x from K x.
void linear_factorisation(TensorView keys, TensorView gate, TensorView inputs, Eigen::Index k,
                          Findings& findings);
// K has full row rank. A direction z with K z = 0 within a rigorous bound, whose exact neighbour in
// the kernel has different sets at z and -z for any rounding: residual of K z by running error
// bounds, |(K K')^-1| from an approximate inverse, gamma_n = n u / (1 - n u) (Higham 2002, 3.1).
void linear_obstruction(TensorView keys, TensorView gate, Eigen::Index k, Findings& findings);

// KR-3. W_K (m, D) after one RMS norm, W_g (E, D) and bias (E) after another. The normalised keys
// determine the sets; with a bias both epsilons must agree.
void normed_factorisation(TensorView key_weights, const RmsNorm& key_norm, TensorView gate_weights,
                          VectorView bias, const RmsNorm& gate_norm, TensorView inputs,
                          Eigen::Index k, Findings& findings);
// Without bias, an input and its negative have equal keys and different sets.
void normed_obstruction(TensorView key_weights, const RmsNorm& key_norm, TensorView gate_weights,
                        const RmsNorm& gate_norm, Eigen::Index k, Findings& findings);

// KR-4. Fewer keys than dimensions: |C G (I - P)|_F^2 is at least what the best matrix of K's rank
// leaves of C G, eta is above 1e-6, and KR-2's pair exists.
void too_few_keys(TensorView keys, TensorView gate, Eigen::Index k, Findings& findings);

// KR-5. K square: the keys determine every set, also after an RMS norm and after a norm over all
// keys. Keys rounded to 8 bits of precision and 1-bit keys keep at least the sets whose margin
// exceeds twice the largest logit error |G K^-1| |dk|.
void square_keys(TensorView keys, TensorView gate, TensorView inputs, const RmsNorm& norm,
                 Eigen::Index k, Findings& findings);
// With a norm over each head's keys (m / heads rows of K) some input has the same keys as x (D)
// and a different set.
void per_head_norm_collision(TensorView keys, Eigen::Index heads, TensorView gate, VectorView x,
                             Eigen::Index k, Findings& findings);

// KR-6, KR-7. A serial block: the gate reads the residual after the attention.
struct SerialBlock {
  RmsNorm attention_norm;
  AttentionLayer attention;
  RmsNorm gate_norm;
  Tensor gate;  // (E, D)
};
Tensor own_keys(const SerialBlock& block, TensorView inputs);         // (n, m), before RoPE
Tensor after_attention(const SerialBlock& block, TensorView inputs);  // one context: (n, D)
Vector last_logits(const SerialBlock& block, TensorView context);     // of its last token, (E)

// KR-6. (a) Two contexts (n, D) with one last token: equal own key, different sets.
void context_collision(const SerialBlock& block, TensorView context, TensorView other,
                       Eigen::Index k, Findings& findings);
// (b) x and a multiple of x at position 0, attention_norm.epsilon = 0: equal keys, different sets.
void scale_collision(const SerialBlock& block, VectorView x, Eigen::Index k, Findings& findings);
// With epsilon > 0 the keys of x and of a large multiple of it differ by a share of
// epsilon / (2 |x|^2 / D), up to its square.
void scale_seen_through_epsilon(VectorView x, double epsilon, Findings& findings);
// (c) x in the kernel of the keys at position 0: keys 0 for x and -x, different sets.
void kernel_collision(const SerialBlock& block, VectorView x, Eigen::Index k, Findings& findings);

// KR-7. One prompt per row: a token's own layer-0 keys don't determine its layer-0 route; the
// layer-0 keys of the whole context do, and so do the keys of the next layer, all of them distinct.
void reachable_factorisation(TensorView own, TensorView whole_context, TensorView next_layer,
                             const std::vector<Set>& routes, Findings& findings);

// KR-8. Keys (n, m), logits (n, E), a linear surrogate (E, m) that maps the ones to the others:
// sqrt(2) margin / distance of every pair with different sets is at most its Lipschitz constant.
void lipschitz_bound(TensorView keys, TensorView logits, TensorView surrogate, Eigen::Index k,
                     Findings& findings);

// KR-9. tr(C G S_K G' C), S_K = S - S K' (K S K')^+ K S, over tr(C G S G' C): the share of logit
// variance that no linear function of the keys explains. S (D, D).
double residue_share(TensorView keys, TensorView gate, TensorView covariance);
// Samples (n, D), n > m: a least-squares fit leaves exactly that share, S the samples' covariance.
void residue_of_fit(TensorView samples, TensorView keys, TensorView gate, Findings& findings);
// The best readout for `covariance`, on samples of that law: within 5 standard errors.
void residue_of_law(TensorView samples, TensorView covariance, TensorView keys, TensorView gate,
                    Findings& findings);
// S = I: eta by projection and by the angles between row spaces, cos = singular values of Q_G' Q_K.
void residue_by_angles(TensorView keys, TensorView gate, Findings& findings);
// eta of random gates, one each: their mean within 4 standard errors of 1 - m / D.
void residue_null(VectorView shares, Eigen::Index keys, Eigen::Index width, Findings& findings);

// KR-10. Residuals with the normalised keys K x / sqrt(|x|^2 / D + epsilon) of x0 are t (x0 - P x0
// + y), P the projection on the kernel of K, y in it, 1 / t^2 = 1 - (|y|^2 - |P x0|^2) / (D eps):
// the sphere |y| = |P x0| for epsilon 0, the open ball |y|^2 < |P x0|^2 + D eps else.
struct KeyClass {
  Tensor projection;  // P
  Vector seen;        // x0 - P x0
  double inner;       // |P x0|
  double room;        // D epsilon
  double rim;         // sqrt(|P x0|^2 + D epsilon)
};
KeyClass key_class(TensorView keys, VectorView x0, double epsilon);
Vector class_member(const KeyClass& keyed, VectorView y);  // NaN for y outside of the ball
// Rows of `ys` (n, D): every member has the keys of x0, relative 1e-12.
void class_has_one_key(TensorView keys, VectorView x0, double epsilon, TensorView ys,
                       Findings& findings);

// Smallest g' (x0 - P x0) - |P g| radius over g = G_i - G_j, i inside the set of x0, j outside: if
// not negative, no y of that radius changes the set. No bias.
struct Determinacy {
  double slack;
  Eigen::Index inside, outside;
};
Determinacy determinacy(const KeyClass& keyed, TensorView gate, VectorView x0, double radius,
                        Eigen::Index k);
// The test passes at the rim, and no member with y along a row of `directions`, at several sizes,
// has another set.
void determined_by_keys(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                        TensorView directions, Eigen::Index k, Findings& findings);
// The test fails at the rim, and the member with y against P g has the keys of x0 and another set.
void undetermined_by_keys(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                          Eigen::Index k, Findings& findings);
// epsilon > 0: the test at |P x0| passes and yet such a member exists.
void sphere_is_too_small(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                         Eigen::Index k, Findings& findings);

}  // namespace rg::theorems
