#include "stats/logistic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

constexpr int kMostSteps = 100, kMostHalvings = 30;
constexpr double kLastStep = 1e-10;
constexpr double kLikelihoodRounding = 1e-13;  // of its size: a smaller fall is none

// Log-likelihood at (a, b), its gradient and the negative of its second derivatives.
struct Surface {
  double likelihood = 0, by_a = 0, by_b = 0, aa = 0, ab = 0, bb = 0;
};

Surface surface_at(double a, double b, std::span<const OutcomeCount> counts) {
  Surface s;
  for (const OutcomeCount& count : counts) {
    const double eta = a + b * count.x;
    const double tail = pinned_exp(-std::min(std::fabs(eta), 700.0));  // exp(-|eta|)
    const double rest = 1 / (1 + tail);
    const double p = eta < 0 ? tail * rest : rest;
    const double surprise = count.outcomes - count.trials * p;
    const double weight = count.trials * (tail * rest * rest);
    s.likelihood +=
        count.outcomes * eta - count.trials * (std::max(eta, 0.0) + pinned_log(1 + tail));
    s.by_a += surprise;
    s.by_b += surprise * count.x;
    s.aa += weight;
    s.ab += weight * count.x;
    s.bb += weight * count.x * count.x;
  }
  return s;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void see(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
};

bool has_maximum(std::span<const OutcomeCount> counts) {
  Range with, without;
  for (const OutcomeCount& count : counts) {
    if (count.outcomes > 0) with.see(count.x);
    if (count.trials > count.outcomes) without.see(count.x);
  }
  // An empty range is (inf, -inf), and so counts as separated; so do two equal points.
  return without.high > with.low && with.high > without.low;
}

}  // namespace

double logistic_slope(std::span<const OutcomeCount> counts) {
  if (!has_maximum(counts)) return std::numeric_limits<double>::quiet_NaN();
  double a = 0, b = 1;
  Surface here = surface_at(a, b, counts);
  for (int step = 0; step < kMostSteps; ++step) {
    const double determinant = here.aa * here.bb - here.ab * here.ab;
    if (!(determinant > 0)) break;
    double da = (here.bb * here.by_a - here.ab * here.by_b) / determinant;
    double db = (here.aa * here.by_b - here.ab * here.by_a) / determinant;
    Surface there = surface_at(a + da, b + db, counts);
    const double fallen = here.likelihood - kLikelihoodRounding * std::fabs(here.likelihood);
    for (int half = 0; half < kMostHalvings && there.likelihood < fallen; ++half) {
      da /= 2;
      db /= 2;
      there = surface_at(a + da, b + db, counts);
    }
    a += da;
    b += db;
    here = there;
    if (std::fabs(da) + std::fabs(db) <= kLastStep * (1 + std::fabs(b))) break;
  }
  return b;
}

Replicates logistic_slope_replicates(const CountTable& table,
                                     std::span<const OutcomeLevel> levels) {
  const size_t replicates = table.replicates();
  std::vector<OutcomeCount> all;
  std::vector<double> trials(levels.size() * replicates, 0.0), outcomes(trials);  // (levels, B)
  for (size_t l = 0; l < levels.size(); ++l) {
    OutcomeCount sum{.x = levels[l].x, .trials = 0, .outcomes = 0};
    for (size_t w = 0; w < table.units(); ++w) {
      const auto n = static_cast<double>(levels[l].trials[w]);
      const auto f = static_cast<double>(levels[l].outcomes[w]);
      if (n == 0) continue;
      sum.trials += n;
      sum.outcomes += f;
      const std::span<const float> drawn = table.of_unit(w);
      for (size_t b = 0; b < replicates; ++b) {
        trials[l * replicates + b] += static_cast<double>(drawn[b]) * n;
        outcomes[l * replicates + b] += static_cast<double>(drawn[b]) * f;
      }
    }
    all.push_back(sum);
  }
  Replicates result{.estimate = logistic_slope(all), .values = std::vector<double>(replicates)};
  std::vector<OutcomeCount> drawn(all);
  for (size_t b = 0; b < replicates; ++b) {
    for (size_t l = 0; l < levels.size(); ++l) {
      drawn[l].trials = trials[l * replicates + b];
      drawn[l].outcomes = outcomes[l * replicates + b];
    }
    result.values[b] = logistic_slope(drawn);
  }
  return result;
}

}  // namespace rg::stats
