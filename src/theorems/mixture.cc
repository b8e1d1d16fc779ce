#include "theorems/mixture.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "theorems/attention.h"
#include "theorems/extremes.h"
#include "theorems/linear.h"

namespace rg::theorems {
namespace {

Vector between(VectorView a, VectorView b, double at) { return a + at * (b - a); }

// The experts exchanged at a crossing, and the outputs on both sides; null sets unless exactly one
// expert replaces one other.
struct Exchange {
  Set before, after, left, entered;
  Vector jump;
  Vector input;  // before it
};

Exchange exchange_at(const Mixture& mixture, VectorView a, VectorView b, const Crossing& crossing) {
  const Vector low = between(a, b, crossing.before), high = between(a, b, crossing.after);
  Exchange out{.before = chosen(mixture, low),
               .after = chosen(mixture, high),
               .left = {},
               .entered = {},
               .jump = output(mixture, high) - output(mixture, low),
               .input = low};
  std::set_difference(out.before.begin(), out.before.end(), out.after.begin(), out.after.end(),
                      std::back_inserter(out.left));
  std::set_difference(out.after.begin(), out.after.end(), out.before.begin(), out.before.end(),
                      std::back_inserter(out.entered));
  return out;
}

bool one_for_one(const std::vector<Crossing>& found, const Mixture& mixture, VectorView a,
                 VectorView b, Exchange* exchange, Findings& findings) {
  bool fine = !found.empty();
  if (fine) {
    *exchange = exchange_at(mixture, a, b, found.front());
    fine = exchange->left.size() == 1 && exchange->entered.size() == 1;
  }
  findings.holds("one expert replaces one other", fine);
  return fine;
}

constexpr int kGrid = 128;

}  // namespace

Set chosen(const Mixture& mixture, VectorView input) {
  Vector scores = mixture.gate * input;
  if (mixture.rule == WeightRule::normalised_sigmoid) scores = sigmoid(scores);
  return top_k(scores + mixture.bias, mixture.k);
}

Vector weights(const Mixture& mixture, VectorView input, const Set& set) {
  const Vector logits = mixture.gate * input;
  const bool sigmoids = mixture.rule == WeightRule::normalised_sigmoid;
  const Vector all = sigmoids ? sigmoid(logits) : softmax(logits);
  Vector out = Vector::Zero(all.size());
  for (const Eigen::Index e : set) out[e] = all[e];
  return mixture.rule == WeightRule::full_softmax ? out : Vector(out / out.sum());
}

Tensor expert_outputs(const Mixture& mixture, VectorView input) {
  Tensor out(mixture.gate.rows(), mixture.gate.cols());
  for (Eigen::Index e = 0; e < out.rows(); ++e) {
    const Vector inner = mixture.experts[static_cast<size_t>(e)] * input;
    out.row(e) = inner.array().tanh().matrix().transpose();
  }
  return out;
}

Vector output(const Mixture& mixture, VectorView input) {
  return expert_outputs(mixture, input).transpose() *
         weights(mixture, input, chosen(mixture, input));
}

std::vector<Crossing> crossings(const Mixture& mixture, VectorView a, VectorView b, int grid) {
  std::vector<Crossing> out;
  const auto set_at = [&](double at) { return chosen(mixture, between(a, b, at)); };
  const auto search = [&](const auto& self, double low, const Set& first, double high,
                          const Set& last) -> void {
    if (first == last) return;
    const double middle = low + (high - low) / 2;
    if (high - low < 1e-15 || middle <= low || middle >= high) {
      out.push_back({.before = low, .after = high});
      return;
    }
    const Set between_them = set_at(middle);
    self(self, low, first, middle, between_them);
    self(self, middle, between_them, high, last);
  };
  Set last = set_at(0);
  for (int piece = 0; piece < grid; ++piece) {
    const double low = static_cast<double>(piece) / grid, high = (piece + 1.0) / grid;
    const Set next = set_at(high);
    search(search, low, last, high, next);
    last = next;
  }
  return out;
}

void jump_identity(const Mixture& mixture, VectorView a, VectorView b, Findings& findings) {
  Exchange at;
  if (!one_for_one(crossings(mixture, a, b, kGrid), mixture, a, b, &at, findings)) return;
  const Tensor outputs = expert_outputs(mixture, at.input);
  const double weight = weights(mixture, at.input, at.before)[at.left[0]];
  const Vector expected =
      weight * (outputs.row(at.entered[0]) - outputs.row(at.left[0])).transpose();
  findings.at_most("difference of the jump from w (E_j - E_i), relative",
                   relative_difference(at.jump, expected), 0, 1e-6);
  findings.equal("length of the jump, against w |E_i - E_j|", at.jump.norm(), expected.norm(),
                 1e-6 * expected.norm());
  const auto k = static_cast<double>(mixture.k);
  findings.at_most("its weight", weight,
                   mixture.rule == WeightRule::full_softmax ? 1 / (k + 1) : 1 / k, 1e-9);
}

void biased_jump_identity(const Mixture& mixture, VectorView a, VectorView b, Findings& findings) {
  Exchange at;
  if (!one_for_one(crossings(mixture, a, b, kGrid), mixture, a, b, &at, findings)) return;
  const Vector old = weights(mixture, at.input, at.before),
               fresh = weights(mixture, at.input, at.after);
  const Vector expected = expert_outputs(mixture, at.input).transpose() * (fresh - old);
  findings.at_most("difference of the jump from the sum over both sets, relative",
                   relative_difference(at.jump, expected), 0, 1e-6);
}

void quotient_growth(const Mixture& mixture, VectorView a, VectorView b, Findings& findings) {
  const std::vector<Crossing> found = crossings(mixture, a, b, kGrid);
  findings.holds("the set changes", !found.empty());
  if (found.empty()) return;
  const auto quotient = [&](double step) {
    const Vector low = between(a, b, found.front().before - step / 2);
    const Vector high = between(a, b, found.front().after + step / 2);
    return (output(mixture, high) - output(mixture, low)).norm() / (high - low).norm();
  };
  findings.equal("quotient on a 16 times finer grid over that on the coarse one",
                 quotient(1e-8 / 16) / quotient(1e-8), 16, 0.1);
}

void swap_cost(VectorView logits, TensorView outputs, Eigen::Index i, Eigen::Index j,
               Findings& findings) {
  const Vector w = softmax(logits);
  const double margin = logits[i] - logits[j];
  findings.equal("weight of the replacement, against exp(-m) w_i", w[j], std::exp(-margin) * w[i],
                 1e-12 * w[i]);
  const Vector cost = (w[i] * outputs.row(i) - w[j] * outputs.row(j)).transpose();
  const double bound = w[i] * (outputs.row(i) - outputs.row(j)).norm() -
                       w[i] * std::expm1(-margin) * outputs.row(j).norm();
  findings.at_most("change of the output, against its bound", cost.norm(), bound, 1e-12 * bound);
}

double smooth_constant(const Mixture& mixture) {
  double steepest = 0;
  for (const Tensor& expert : mixture.experts) steepest = worse(steepest, spectral_norm(expert));
  return steepest + std::sqrt(static_cast<double>(mixture.gate.cols())) *
                        mixture.gate.rowwise().norm().maxCoeff();
}

void path_bound(const Mixture& mixture, VectorView a, VectorView b, double constant,
                Findings& findings) {
  double jumps = 0;
  for (const Crossing& crossing : crossings(mixture, a, b, kGrid)) {
    jumps += exchange_at(mixture, a, b, crossing).jump.norm();
  }
  findings.at_most("change of the output, against smooth part and jumps",
                   (output(mixture, b) - output(mixture, a)).norm(),
                   constant * (b - a).norm() + jumps, 1e-12);
}

}  // namespace rg::theorems
