// LH-5 and LH-6: the population's landscape, and the last mile.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "theorems/extremes.h"
#include "theorems/local_hessian.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

double beta_on_geodesic(VectorView signs, VectorView direction, double angle) {
  const double root = std::sqrt(static_cast<double>(signs.size()));
  return beta(std::cos(angle) * signs / root + std::sin(angle) * direction);
}

// n log(mean squared residual) + 2 * 2 for the best line y = a + b x.
double line_criterion(VectorView x, VectorView y) {
  const Vector dx = x.array() - x.mean(), dy = y.array() - y.mean();
  const double slope = dx.dot(dy) / dx.squaredNorm();
  const auto n = static_cast<double>(x.size());
  return n * std::log((dy - slope * dx).squaredNorm() / n) + 4;
}

}  // namespace

Curvature population_curvature(TensorView rotated_keys, TensorView skew, double bandwidth) {
  const auto n = static_cast<double>(rotated_keys.rows());
  const Tensor velocity = turned(rotated_keys, skew), acceleration = turned(velocity, skew);
  const double smooth = sign_code(rotated_keys).cwiseProduct(acceleration).sum() / n;
  const auto near_zero = (rotated_keys.array().abs() < bandwidth).cast<double>();
  const double kink = 2 * (near_zero * velocity.array().square()).sum() / (2 * bandwidth * n);
  return {smooth, kink};
}

void flat_population(TensorView rotated_keys, TensorView skew, double bandwidth,
                     Findings& findings) {
  const Curvature found = population_curvature(rotated_keys, skew, bandwidth);
  const double expected = std::sqrt(2 / std::numbers::pi) * skew.squaredNorm();
  findings.equal("smooth part = -sqrt(2/pi) |A|_F^2", found.smooth, -expected, 0.1 * expected);
  findings.equal("kink part = sqrt(2/pi) |A|_F^2", found.kink, expected, 0.1 * expected);
  findings.equal("-kink / smooth", -found.kink / found.smooth, 1, 0.1);
  findings.equal("smooth + kink", found.smooth + found.kink, 0, 0.1 * expected);
}

double way_between(double beta_start, double beta_end) {
  return std::acos(std::sqrt(beta_start)) - std::acos(std::sqrt(beta_end));
}

void way_along_geodesic(VectorView signs, VectorView direction, double start, double end,
                        Findings& findings) {
  const auto at = [&](double angle) { return beta_on_geodesic(signs, direction, angle); };
  findings.equal("arccos sqrt(b0) - arccos sqrt(b1) = angle turned",
                 way_between(at(start), at(end)), start - end, 1e-12);
  const double step = 1e-4 * start, here = at(start - step);
  const double difference = 2 * step / (at(start) - at(start - 2 * step));
  const double formula = -1 / (2 * std::sqrt(here * (1 - here)));
  findings.equal("d theta / d beta = -1 / (2 sqrt(beta (1 - beta)))", difference, formula,
                 1e-5 * std::abs(formula));
}

double step_contraction(double eta) { return 1 - eta / 2; }

void gradient_steps(VectorView key, double eta, int steps, Contraction contraction,
                    Findings& findings) {
  Vector now = key.normalized();
  const double start = 1 - cos_1bit(now);
  double loss = start, worst = 0;
  int taken = 0;
  while (taken < steps && loss >= 1e-12) {
    now = turn_of(eta * cosine_gradient(now)) * now;
    const double next = 1 - cos_1bit(now);
    worst = worse(worst, (next - 1e-15) / loss);
    loss = next;
    ++taken;
  }
  findings.at_most(fmt::format("largest (1 - c) after / before a step, eta = {}", eta), worst,
                   contraction(eta));
  const double enough = std::ceil(std::log(1e-12 / start) / std::log(contraction(eta)));
  findings.at_most(fmt::format("steps to 1 - c < 1e-12, eta = {}", eta), taken, enough);
}

void fixed_angle_steps(VectorView signs, VectorView direction, double start, double delta,
                       Findings& findings) {
  const auto needed = static_cast<int>(std::ceil((start - delta / 2) / delta));
  const double stall = std::pow(std::sin(delta / 2), 2);
  double angle = start, best = 1;
  // After passing the lattice it continues, back and forth.
  for (int i = 1; i <= needed + 20; ++i) {
    angle = std::abs(angle) < 1e-15 ? delta : angle - std::copysign(delta, angle);
    best = std::min(best, 1 - beta_on_geodesic(signs, direction, angle));
    if (i == needed) {
      findings.at_most(fmt::format("1 - beta after {} steps of {:.3g}", needed, delta), best, stall,
                       1e-13);
    }
  }
  const double left = std::abs(start - delta * std::round(start / delta));
  findings.equal("least 1 - beta of all further steps: sin^2 of the remainder", best,
                 std::pow(std::sin(left), 2), 1e-13);
}

DecayFit decay_fit(VectorView gaps) {
  const Vector time = Vector::LinSpaced(gaps.size(), 1, static_cast<double>(gaps.size()));
  const Vector height = gaps.array().log();
  return {line_criterion(time, height), line_criterion(time.array().log(), height)};
}

void decay_of_search(const std::vector<double>& values, Findings& findings) {
  std::vector<double> gaps;
  for (const double value : values) {
    const double gap = 1 - value / values.back();
    if (gap > 1e-9) gaps.push_back(gap);  // below this, rounding dominates
  }
  const DecayFit fit = decay_fit(Vector::Map(gaps.data(), static_cast<Eigen::Index>(gaps.size())));
  findings.below("AIC of log(gap) linear in t, against linear in log t", fit.geometric, fit.power);
}

}  // namespace rg::theorems
