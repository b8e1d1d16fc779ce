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

// The log-likelihood at a line, and the Newton step from there.
struct Likelihood {
  double value;
  Line step;
};

Likelihood likelihood_at(std::span<const Outcome> outcomes, Line line) {
  double value = 0, g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
  for (const Outcome& of : outcomes) {
    if (of.decisions == 0) continue;
    const double eta = line.a + line.b * of.x;
    const double small = std::exp(-std::abs(eta));  // never overflows
    const double p = (eta < 0 ? small : 1) / (1 + small);
    value += of.flips * eta - of.decisions * (std::max(eta, 0.0) + std::log1p(small));
    const double excess = of.flips - of.decisions * p;
    const double weight = of.decisions * p * (1 - p);
    g0 += excess;
    g1 += excess * of.x;
    h00 += weight;
    h01 += weight * of.x;
    h11 += weight * of.x * of.x;
  }
  const double determinant = h00 * h11 - h01 * h01;
  if (!(determinant > 0)) return {value, {0, 0}};
  return {value, {(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant}};
}

}  // namespace

std::optional<double> logistic_slope(std::span<const Outcome> outcomes) {
  if (!has_slope(outcomes)) return std::nullopt;
  Line line{0, 1};
  Likelihood here = likelihood_at(outcomes, line);
  for (int step = 0; step < kMaxSteps; ++step) {
    Line by = here.step;
    Likelihood next = likelihood_at(outcomes, {line.a + by.a, line.b + by.b});
    for (int halving = 0; next.value < here.value && halving < kMaxHalvings; ++halving) {
      by = {by.a / 2, by.b / 2};
      next = likelihood_at(outcomes, {line.a + by.a, line.b + by.b});
    }
    line = {line.a + by.a, line.b + by.b};
    here = next;
    if (std::abs(by.a) + std::abs(by.b) <= kStepTolerance * (1 + std::abs(line.b))) break;
  }
  return std::isfinite(line.b) ? std::optional(line.b) : std::nullopt;
}

}  // namespace rg::verify::audit
