// What the softmax of one row of logits says, in nats: its normaliser, its entropies, and how far
// it is from another row's. Exponentials and sums in fp64, over 8 virtual lanes (element i goes to
// lane i mod 8, in order), then a fixed binary tree, so the bits don't depend on the width of the
// machine's registers. An entry of -inf has probability 0; where a NaN, an entry of +inf or no
// finite entry leaves the softmax undefined, every result is NaN.
#pragma once

#include <cstddef>

namespace rg::kernels {

// p = softmax(x), so ln p_i = x_i - log_total.
struct LogitFacts {
  double log_total;          // ln sum_i exp(x_i)
  double entropy;            // -sum p ln p
  double varentropy;         // sum p (ln p)^2 - entropy^2, the variance of -ln p; not below 0
  double collision_entropy;  // -ln sum p^2; not below 0
};
LogitFacts logit_facts(const float* logits, size_t n) noexcept;  // n >= 1

// KL(p || q) = sum p (ln p - ln q), p and q the softmaxes of the two rows; infinite where q is 0
// and p isn't. Rounding below 0 gives 0; more than 1e-12 below is an internal error. n >= 1.
double kl_divergence(const float* logits, const float* reference, size_t n);

// Index of the largest logit, the lowest of equals; a NaN is never the largest. n >= 1.
size_t most_probable(const float* logits, size_t n) noexcept;

}  // namespace rg::kernels
