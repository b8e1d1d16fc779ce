// Contributions to the scores of all experts, minus their mean over experts: independent of a
// common offset.
#pragma once

#include <span>

namespace rg::experiments {

inline void centre(std::span<double> values) {
  double mean = 0;
  for (const double value : values) mean += value;
  mean /= static_cast<double>(values.size());
  for (double& value : values) value -= mean;
}

inline double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// (sigma(z) - 1/2)/z: how a sigmoid gate scales contributions to its logit; 1/4 at 0.
double sigmoid_slope(double z);

}  // namespace rg::experiments
