// GS-4: its bound, and the cases in which each of its terms is attained.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "theorems/constants.h"
#include "theorems/draws.h"
#include "theorems/gauge_search.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

// ln P(|B/n - 1/2| >= t) for B of n fair coins, n even, 0 < t <= 1/2.
double log_tail_of_coins(Eigen::Index n, double t) {
  const auto size = static_cast<double>(n);
  const double first = std::ceil(size * (0.5 + t) - 1e-9);
  const auto log_mass = [size](double k) {
    return std::lgamma(size + 1) - std::lgamma(k + 1) - std::lgamma(size - k + 1) -
           size * std::log(2);
  };
  const double largest = log_mass(first);
  double sum = 0;
  for (double k = first; k <= size; ++k) sum += std::exp(log_mass(k) - largest);
  return std::log(2 * sum) + largest;
}

}  // namespace

double generalisation_bound(Eigen::Index n, Eigen::Index d, double delta) {
  const auto keys = static_cast<double>(n);
  return 2 * std::sqrt(static_cast<double>(d) / keys) + std::sqrt(std::log(2 / delta) / (2 * keys));
}

void rademacher_term(TensorView keys, bool orthogonal, GapBound bound, Findings& findings) {
  const Eigen::Index n = keys.rows(), d = keys.cols();
  const Tensor sums = all_sign_vectors(n) * keys.rowwise().normalized();
  const double average =
      sums.rowwise().norm().mean() * std::sqrt(static_cast<double>(d)) / static_cast<double>(n);
  const double term = bound(n, d, 2);
  findings.at_most("twice the Rademacher average, against the first term", 2 * average, term,
                   1e-12);
  if (!orthogonal) return;
  findings.equal("twice the Rademacher average, orthogonal keys: the first term", 2 * average, term,
                 1e-12);
}

void confidence_term(GapBound bound, Findings& findings) {
  constexpr Eigen::Index d = 1024;
  Tightest tightest;
  for (const Eigen::Index n : {16, 100, 1000}) {
    for (const double delta : {0.9, 0.5, 0.1, 0.01}) {
      const double t = bound(n, d, delta) - bound(n, d, 2);
      if (t <= 0.5) tightest.see(log_tail_of_coins(n, t), std::log(delta));
    }
  }
  findings.at_most("ln P(|mean c - 1/2| >= the second term), against ln(delta)", tightest.value(),
                   tightest.bound());
  const Eigen::Index many = Eigen::Index{1} << 16;
  const double delta = 2 * std::exp(-150);
  const double tail = log_tail_of_coins(many, bound(many, d, delta) - bound(many, d, 2));
  const double ratio = (tail - std::log(2)) / std::log(delta / 2);
  findings.at_least("ln(P / 2), in units of ln(delta / 2), n = 65536", ratio, 1);
  findings.at_most("ln(P / 2), in units of ln(delta / 2), n = 65536", ratio, 1.05);
}

void gap_of_frequencies(const std::vector<Eigen::Index>& drawn, GapBound bound,
                        Findings& findings) {
  const auto d = static_cast<Eigen::Index>(drawn.size());
  check_internal(d >= 4 && (d & (d - 1)) == 0, "a power of two");
  Eigen::Index n = 0;
  for (const Eigen::Index count : drawn) n += count;
  std::vector<Eigen::Index> order = drawn;  // directions are alike: only the counts matter
  std::sort(order.begin(), order.end(), std::greater<>());
  Tensor rotation = Tensor::Identity(d, d);
  rotation.topLeftCorner(d / 2, d / 2) = hadamard(d / 2);
  const Vector cosines = cosines_1bit(turned(Tensor::Identity(d, d), rotation));
  double in_sample = 0;
  for (Eigen::Index i = 0; i < d; ++i) {
    in_sample += static_cast<double>(order[static_cast<size_t>(i)]) * cosines[i];
  }
  const double gap = in_sample / static_cast<double>(n) - cosines.mean();
  // Counts vary by sqrt(n/d), |difference| has mean sqrt(2/pi) of it; the term is 2 sqrt(d/n).
  const double expected =
      (1 / std::sqrt(2) - 1 / std::sqrt(static_cast<double>(d))) / std::sqrt(8 * kPi);
  // One standard error is sqrt((1 - 2/pi) / d) / sqrt(2/pi) of it, and five are allowed.
  const double error = std::sqrt((kPi / 2 - 1) / static_cast<double>(d)) * expected;
  findings.equal("share of the first term that the gap reaches", gap / bound(n, d, 2), expected,
                 5 * error);
}

}  // namespace rg::theorems
