#include "verify/audit_logistic.h"

#include <algorithm>
#include <cmath>

namespace rg::verify::audit {
namespace {

constexpr int kMaxSteps = 100;
constexpr int kMaxHalvings = 30;
constexpr double kStepTolerance = 1e-10;

// Whether a slope maximises the likelihood.
bool has_slope(std::span<const Outcome> outcomes) {
  double lowest = 0, highest = 0, lowest_flip = 0, highest_flip = 0, lowest_stay = 0,
         highest_stay = 0;
  bool any = false, flips = false, stays = false;
  for (const Outcome& of : outcomes) {
    if (of.decisions == 0) continue;
    if (!any) lowest = of.x;
    highest = of.x;
    any = true;
    if (of.flips > 0) {
      if (!flips) lowest_flip = of.x;
      highest_flip = of.x;
      flips = true;
    }
    if (of.flips < of.decisions) {
      if (!stays) lowest_stay = of.x;
      highest_stay = of.x;
      stays = true;
    }
  }
  return flips && stays && lowest < highest && highest_stay > lowest_flip &&
         highest_flip > lowest_stay;
}

struct Line {
  double a, b;
};

double log_likelihood(std::span<const Outcome> outcomes, Line line) {
  double sum = 0;
  for (const Outcome& of : outcomes) {
    if (of.decisions == 0) continue;
    // ln(1 + e^eta) without overflow
    const double eta = line.a + line.b * of.x;
    sum +=
        of.flips * eta - of.decisions * (std::max(eta, 0.0) + std::log1p(std::exp(-std::abs(eta))));
  }
  return sum;
}

// The Newton step of the log-likelihood.
Line newton_step(std::span<const Outcome> outcomes, Line line) {
  double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
  for (const Outcome& of : outcomes) {
    if (of.decisions == 0) continue;
    const double p = 1 / (1 + std::exp(-(line.a + line.b * of.x)));
    const double excess = of.flips - of.decisions * p;
    const double weight = of.decisions * p * (1 - p);
    g0 += excess;
    g1 += excess * of.x;
    h00 += weight;
    h01 += weight * of.x;
    h11 += weight * of.x * of.x;
  }
  const double determinant = h00 * h11 - h01 * h01;
  if (!(determinant > 0)) return {0, 0};
  return {(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant};
}

}  // namespace

std::optional<double> logistic_slope(std::span<const Outcome> outcomes) {
  if (!has_slope(outcomes)) return std::nullopt;
  Line line{0, 1};
  double likelihood = log_likelihood(outcomes, line);
  for (int step = 0; step < kMaxSteps; ++step) {
    Line by = newton_step(outcomes, line);
    Line next{line.a + by.a, line.b + by.b};
    double reached = log_likelihood(outcomes, next);
    for (int halving = 0; reached < likelihood && halving < kMaxHalvings; ++halving) {
      by = {by.a / 2, by.b / 2};
      next = {line.a + by.a, line.b + by.b};
      reached = log_likelihood(outcomes, next);
    }
    line = next;
    likelihood = reached;
    if (std::abs(by.a) + std::abs(by.b) <= kStepTolerance * (1 + std::abs(line.b))) break;
  }
  return std::isfinite(line.b) ? std::optional(line.b) : std::nullopt;
}

}  // namespace rg::verify::audit
