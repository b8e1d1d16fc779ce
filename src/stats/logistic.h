// The slope of a logistic regression of outcomes on one variable, logit P(outcome) = a + b x, by
// maximum likelihood, and its bootstrap over windows. For a forecast p with x = logit(p), b = 1
// where it is calibrated and b < 1 where it is too sure of itself (Cox 1958). Definitions:
// docs/artifacts.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/bootstrap.h"

namespace rg::stats {

// Decisions that share a value of x: how many there are, and how many have the outcome.
struct OutcomeCount {
  double x, trials, outcomes;  // 0 <= outcomes <= trials
};

// Newton's method from (a, b) = (0, 1); a step is halved, at most 30 times, while the likelihood
// falls; it ends with a step of |da| + |db| <= 1e-10 (1 + |b|), at the latest after 100 steps.
// NaN where no finite maximum exists: all outcomes are equal, all x are equal, or one x separates
// them (those without lie at or below those with, or the other way round). `counts` in any order,
// x may repeat; those without trials don't count.
double logistic_slope(std::span<const OutcomeCount> counts);

// The same counts window by window.
struct OutcomeLevel {
  double x;
  std::span<const uint32_t> trials, outcomes;  // (windows)
};
// The estimate of all windows, and that of every replicate's windows.
Replicates logistic_slope_replicates(const CountTable& table, std::span<const OutcomeLevel> levels);

}  // namespace rg::stats
