// The logistic regression of flips on the log odds of their forecasts.
#pragma once

#include <optional>
#include <span>

namespace rg::verify::audit {

// Decisions with one x, of which some flipped. Weights are counts.
struct Outcome {
  double x;
  double decisions, flips;
};

// The maximum-likelihood b of logit P(flip) = a + b x over outcomes with x ascending. None where no
// or every decision flips, where x has one value, or where an x separates flips from the rest.
std::optional<double> logistic_slope(std::span<const Outcome> outcomes);

}  // namespace rg::verify::audit
