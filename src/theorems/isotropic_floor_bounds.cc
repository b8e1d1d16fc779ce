// IF-6 (iv) and IF-7: their bounds as formulas, and the cases that come nearest to them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/isotropic_floor.h"
#include "theorems/key_samples.h"
#include "theorems/moment_ratio.h"
#include "theorems/one_bit.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * kPi); }
double normal_below(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

// Integral of |p - Phi| from a to b, a <= b. The difference falls: it changes sign once or never.
double between_steps(double p, double a, double b) {
  const auto sum = [p](double x) { return p * x - x * normal_below(x) - normal_density(x); };
  double low = a, high = b;
  if (normal_below(a) >= p) high = a;
  if (normal_below(b) <= p) low = b;
  for (int i = 0; i < 60 && low < high; ++i) {
    const double middle = (low + high) / 2;
    (normal_below(middle) < p ? low : high) = middle;
  }
  const double crossing = (low + high) / 2;
  return sum(crossing) - sum(a) + sum(crossing) - sum(b);
}

// ln P(|u_1| >= t) for a uniform direction, d >= 4, 0 < t < 1. Its density is proportional to
// (1 - x^2)^((d - 3) / 2); Simpson's rule on the part that counts, relative to the value at t.
double log_tail_of_coordinate(Eigen::Index d, double t) {
  constexpr int kSteps = 4000;
  const double power = (static_cast<double>(d) - 3) / 2, half = static_cast<double>(d) / 2;
  const double width = std::min(1 - t, 20 / (power * t)), step = width / kSteps;
  const double at_t = std::log1p(-t * t);
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = std::min(t + i * step, 1.0);
    const int weight = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * std::exp(power * (std::log1p(-x * x) - at_t));
  }
  const double constant = std::lgamma(half) - std::lgamma(half - 0.5) - std::log(kPi) / 2;
  return std::log(2 * sum * step / 3) + constant + power * at_t;
}

}  // namespace

double third_moment_bound(VectorView key) {
  return key.array().abs().cube().sum() / std::pow(key.norm(), 3);
}

double concentration_bound(Eigen::Index d, double t) {
  return 2 * std::exp(-(static_cast<double>(d) - 2) * t * t / 2);
}

double distance_to_normal(Vector atoms) {
  std::sort(atoms.begin(), atoms.end());
  const auto n = static_cast<double>(atoms.size());
  const double first = atoms[0], last = atoms[atoms.size() - 1];
  double area = first * normal_below(first) + normal_density(first) - last * normal_below(-last) +
                normal_density(last);
  for (Eigen::Index i = 1; i < atoms.size(); ++i) {
    if (atoms[i - 1] < atoms[i]) {
      area += between_steps(static_cast<double>(i) / n, atoms[i - 1], atoms[i]);
    }
  }
  return area;
}

void law_of_a_coordinate(TensorView keys, TensorView hadamard, KeyBound bound, Findings& findings) {
  const Tensor signs = all_sign_vectors(keys.cols());
  Tightest tightest;
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const Vector key = keys.row(n);
    const Vector first = hadamard.row(0).transpose().cwiseProduct(key);
    const double size = first.norm();
    tightest.see(distance_to_normal(signs * first / size), bound(key));
  }
  findings.at_most("(iv) W1 of (HDk)_1 sqrt(d)/|k| to N(0, 1), against |k|_3^3/|k|^3",
                   tightest.value(), tightest.bound(), 1e-12);
}

void reach_of_third_moments(Eigen::Index d, KeyBound bound, Findings& findings) {
  for (Eigen::Index m = 1; m <= d; m *= 2) {
    Vector key = Vector::Zero(d);
    key.head(m).setOnes();
    findings.equal(fmt::format("(iv) |k|_3^3/|k|^3 = |k|_inf/|k| for {} equal entries", m),
                   bound(key), 1 / std::sqrt(static_cast<double>(m)), kTight);
  }
  const Vector key = Vector::Unit(d, 0);
  const Vector atoms{{-1, 1}};
  // 2 (int_0^1 (Phi - 1/2) + int_1^inf (1 - Phi)), by parts.
  const double distance = 4 * normal_below(1) - 3 + 4 * normal_density(1) - 2 * normal_density(0);
  findings.equal("share of the bound that W1 reaches at a one-hot key",
                 distance_to_normal(atoms) / bound(key), distance, 1e-12);
  findings.equal("share of the bound that |mean c - sqrt(2/pi)| reaches at a one-hot key",
                 (1 - std::sqrt(2 / kPi)) / bound(key), 0.2021, 5e-5);
}

void levys_inequality(TailBound bound, Findings& findings) {
  Tightest tightest;
  for (const Eigen::Index d : {5, 17, 65, 257}) {
    for (int i = 1; i < 20; ++i) {
      const double t = i / 20.0;
      tightest.see(log_tail_of_coordinate(d, t), std::log(bound(d, t)));
    }
  }
  findings.input("the linear function u_1, d = 5, 17, 65, 257");
  findings.at_most("ln P(|u_1| >= t), against that of the bound", tightest.value(),
                   tightest.bound());
  for (const Eigen::Index d : {Eigen::Index{1} << 14, Eigen::Index{1} << 20}) {
    const double t = std::sqrt(400 / static_cast<double>(d));
    findings.input(fmt::format("the linear function u_1, d = {}, t = {:.4f}", d, t));
    const double ratio = (log_tail_of_coordinate(d, t) - std::log(2)) / std::log(bound(d, t) / 2);
    findings.at_least("ln(P(|u_1| >= t) / 2), in units of the bound's", ratio, 1);
    findings.at_most("ln(P(|u_1| >= t) / 2), in units of the bound's", ratio, 1.05);
  }
}

void steepest_slope(Eigen::Index d, Findings& findings) {
  const double size = static_cast<double>(d), angle = 1e-4;
  Vector key = Vector::Constant(d, std::sin(angle) / std::sqrt(size - 1));
  key(0) = std::cos(angle);
  findings.equal("slope of c away from a one-hot direction = sqrt(1 - 1/d)",
                 (cos_1bit(key) - 1 / std::sqrt(size)) / angle, std::sqrt(1 - 1 / size), angle);
}

void spread_over_dimensions(TailBound bound, Findings& findings) {
  const double low = sphere_cosine_deviation(256), high = sphere_cosine_deviation(4096);
  findings.equal("power of d by which the deviation of c falls",
                 std::log(high / low) / std::log(16), -0.5, 2e-3);
  // A variance v allows tails 2 exp(-t^2 / (2v)) for every t.
  const double t = std::sqrt(20.0 / 4096);
  const double allowed = t * t / (2 * std::log(2 / bound(4096, t)));
  findings.equal("share of the variance allowed by the bound that c has, d = 4096",
                 high * high / allowed, 1 - 3 / kPi, 1e-3 * (1 - 3 / kPi));
}

}  // namespace rg::theorems
