// Means and moment ratios of samples with standard errors, to judge simulations by their own noise.
#pragma once

#include <string>

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

struct Estimate {
  double value;
  double error;  // one standard error
};

// Allowed standard errors of a simulation: with some 150 draws, one seed in 10,000 exceeds them.
inline constexpr double kErrors = 5;

Estimate mean_of(VectorView independent);                // n >= 2
Estimate standard_deviation_of(VectorView independent);  // n >= 2, error by the delta method
// (sum |x|)^2 / (n sum x^2) of independent values; error by the delta method.
Estimate moment_ratio_of(VectorView independent);
// beta_pooled of keys whose rows are independent, coordinates not.
Estimate pooled_ratio_of(TensorView keys);

// estimate = expected, up to `bias` and kErrors standard errors.
void near(Findings& findings, std::string quantity, Estimate estimate, double expected,
          double bias);
void not_above(Findings& findings, std::string quantity, Estimate estimate, double bound);
void not_below(Findings& findings, std::string quantity, Estimate estimate, double bound);

}  // namespace rg::theorems
