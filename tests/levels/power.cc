#include "levels/power.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "stats/pinned_math.h"

namespace rg::levels {
namespace {

constexpr double kCriticalZ = 1.96;

// Sums over all windows of all runs, by criterion; added in order of runs.
struct CriterionSums {
  double windows = 0, sum = 0, squares = 0;
  void add(const CriterionSums& other) {
    windows += other.windows;
    sum += other.sum;
    squares += other.squares;
  }
  double effect() const {
    const double mean = sum / windows;
    return mean / std::sqrt((squares - windows * mean * mean) / (windows - 1));
  }
};

std::vector<CriterionSums> sums_of(const Simulated& made) {
  std::vector<CriterionSums> sums;
  for (const std::vector<double>& values : made.criteria) {
    CriterionSums of_criterion;
    for (const double value : values) of_criterion.add({1, value, value * value});
    sums.push_back(of_criterion);
  }
  return sums;
}

double deciding_effect(const PowerClaim& claim, const std::vector<CriterionSums>& sums) {
  std::vector<double> effects;
  for (const size_t criterion : claim.criteria) effects.push_back(sums[criterion].effect());
  return claim.needs_all ? *std::min_element(effects.begin(), effects.end())
                         : *std::max_element(effects.begin(), effects.end());
}

std::function<bool(const Found&)> holds_at(const std::string& member) {
  return [path = "summary.per_layer.5." + member](const Found& found) { return found.flag(path); };
}

std::function<bool(const Found&)> passes(const std::string& member) {
  return [path = "summary." + member](const Found& found) { return found.text(path) == "PASS"; };
}

}  // namespace

std::vector<PowerCurve> all_power_curves() {
  return {{"V1 boundary_amplification",
           "slope of the probability of disagreement in the margin's rank",
           {0.05, 0.08, 0.11, 0.15, 0.2},
           [](const Size& size, double slope) {
             return amplification(size, Margins::continuous, slope);
           },
           {{"(a)", {0, 1, 2, 3}, false, holds_at("a.holds")},
            {"(a) by the joint test", {0, 1, 2, 3}, false, holds_at("a_joint.holds")}}},
          {"V2 chart_compatibility",
           "kappa lower at the boundary, against the interior and another partner",
           {0.002, 0.004, 0.006, 0.008, 0.01},
           [](const Size& size, double shift) {
             return chart(size, {Shape::symmetric, shift, shift});
           },
           {{"C1, published", {0}, true, holds_at("c1.holds")},
            {"C1_matched", {1}, true, holds_at("c1_matched.holds")},
            {"C2", {2}, true, holds_at("c2.holds")},
            {"C2_unselected", {3}, true, holds_at("c2_unselected.holds")}}},
          {"V3 terminal_ovk_scan",
           "drop at the last of three layers, none before",
           {0.01, 0.015, 0.02, 0.025, 0.03},
           [](const Size& size, double drop) {
             return scan(size, {0.8, 0.8, 0.8 - drop});
           },
           {{"PASS", {0, 1}, true, passes("convergence.verdict")}}},
          {"V5a kl_edge_dominance",
           "growth of forgetting, one domain and one edge",
           {0.08, 0.14, 0.2, 0.25, 0.3},
           [](const Size& size, double effect) { return growth(size, {effect}); },
           {{"PASS", {0}, true, passes("verdict")}}}};
}

std::vector<PowerPoint> power_at(const PowerCurve& curve, const Size& size, double parameter,
                                 uint64_t first, size_t runs, int threads) {
  const Draw draw = curve.draw(size, parameter);
  std::vector<std::vector<CriterionSums>> sums(runs);
  std::vector<uint8_t> made(runs * curve.claims.size(), 0);
  parallel_for(runs, threads, [&](size_t run, int) {
    const Simulated simulated = draw(first + run);
    sums[run] = sums_of(simulated);
    const Found found(simulated.artifact);
    for (size_t c = 0; c < curve.claims.size(); ++c) {
      made[run * curve.claims.size() + c] = curve.claims[c].made(found) ? 1 : 0;
    }
  });
  std::vector<CriterionSums> together(sums.front().size());
  for (const auto& of_run : sums) {
    for (size_t i = 0; i < together.size(); ++i) together[i].add(of_run[i]);
  }
  std::vector<PowerPoint> points;
  for (size_t c = 0; c < curve.claims.size(); ++c) {
    PowerPoint point{deciding_effect(curve.claims[c], together), 0, runs};
    for (size_t run = 0; run < runs; ++run) point.made += made[run * curve.claims.size() + c];
    points.push_back(point);
  }
  return points;
}

double approximate_power(double effect, uint32_t windows) {
  return stats::normal_cdf(effect * std::sqrt(static_cast<double>(windows)) - kCriticalZ);
}

}  // namespace rg::levels
