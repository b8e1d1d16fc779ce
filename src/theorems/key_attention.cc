#include <cmath>

#include "theorems/key_only.h"

namespace rg::theorems {

Tensor own_keys(const SerialBlock& block, TensorView inputs) {
  return normed(inputs, block.attention_norm) * block.attention.key.transpose();
}

Tensor after_attention(const SerialBlock& block, TensorView inputs) {
  return inputs + attend(block.attention, normed(inputs, block.attention_norm));
}

Vector last_logits(const SerialBlock& block, TensorView context) {
  const Tensor last = after_attention(block, context).bottomRows(1);
  return block.gate * normed(last, block.gate_norm).row(0).transpose();
}

void context_collision(const SerialBlock& block, TensorView context, TensorView other,
                       Eigen::Index k, Findings& findings) {
  const Tensor keys = own_keys(block, context.bottomRows(1)),
               other_keys = own_keys(block, other.bottomRows(1));
  findings.at_most("difference of the own keys", (keys - other_keys).norm() / keys.norm(), 0,
                   1e-12);
  findings.holds("the sets differ",
                 top_k(last_logits(block, context), k) != top_k(last_logits(block, other), k));
}

void scale_collision(const SerialBlock& block, VectorView x, Eigen::Index k, Findings& findings) {
  const Tensor row = x.transpose();
  const Tensor keys = own_keys(block, row);
  const Set set = top_k(last_logits(block, row), k);
  for (int power = -20; power <= 20; ++power) {
    const Tensor scaled = row * std::ldexp(1.0, power);
    if (top_k(last_logits(block, scaled), k) == set) continue;
    findings.at_most("difference of the keys of x and tx",
                     (own_keys(block, scaled) - keys).norm() / keys.norm(), 0, 1e-12);
    findings.holds("a multiple of x has another set", true);
    return;
  }
  findings.holds("a multiple of x has another set", false);
}

void scale_seen_through_epsilon(VectorView x, double epsilon, Findings& findings) {
  const RmsNorm norm{.gain = Vector::Ones(x.size()), .epsilon = epsilon};
  const Tensor row = x.transpose(), far = row * 1e12;
  const double change = (normed(far, norm) - normed(row, norm)).norm() / normed(far, norm).norm();
  const double share = epsilon * static_cast<double>(x.size()) / x.squaredNorm();
  findings.equal("relative change of the keys from x to a large multiple", change, share / 2,
                 share * share + 1e-14);
}

void kernel_collision(const SerialBlock& block, VectorView x, Eigen::Index k, Findings& findings) {
  const Tensor row = x.transpose(), negative = -row;
  const double size = block.attention.key.norm();
  findings.at_most("keys of x and -x",
                   (own_keys(block, row).norm() + own_keys(block, negative).norm()) / size, 0,
                   1e-12);
  const Vector logits = last_logits(block, row), mirrored = last_logits(block, negative);
  findings.at_most("logits of x plus logits of -x", (logits + mirrored).norm() / logits.norm(), 0,
                   1e-12);
  findings.holds("the sets differ", top_k(logits, k) != top_k(mirrored, k));
}

void reachable_factorisation(TensorView own, TensorView whole_context, TensorView next_layer,
                             const std::vector<Set>& routes, Findings& findings) {
  double twins = 0, split = 0;
  for (size_t a = 0; a < routes.size(); ++a) {
    for (size_t b = a + 1; b < routes.size(); ++b) {
      if (own.row(static_cast<Eigen::Index>(a)) != own.row(static_cast<Eigen::Index>(b))) continue;
      ++twins;
      if (routes[a] != routes[b]) ++split;
    }
  }
  findings.above("pairs of prompts with one own key, to the bit", twins, 0);
  findings.above("of these, pairs with different sets", split, 0);
  findings.holds("the own layer-0 keys determine no route", !factors(own, routes));
  findings.holds("the layer-0 keys of the whole context determine every route",
                 factors(whole_context, routes));
  findings.holds("the own keys of the next layer do, by being distinct",
                 factors(next_layer, routes));
}

}  // namespace rg::theorems
