#include "theorems/sampling.h"

#include <cmath>
#include <utility>

#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

double variance_of(VectorView values) {
  return (values.array() - values.mean()).square().sum() / static_cast<double>(values.size() - 1);
}

// a^2 / (d b) for means a of sums and b of energies over independent rows: its differential is
// 2a/(db) da - a^2/(db^2) db.
Estimate ratio_of(VectorView sums, VectorView energies, double d) {
  const double a = sums.mean(), b = energies.mean();
  const Vector influence = 2 * a / (d * b) * sums - a * a / (d * b * b) * energies;
  return {a * a / (d * b), mean_of(influence).error};
}

}  // namespace

Estimate mean_of(VectorView independent) {
  return {independent.mean(),
          std::sqrt(variance_of(independent) / static_cast<double>(independent.size()))};
}

Estimate standard_deviation_of(VectorView independent) {
  const Vector squares = (independent.array() - independent.mean()).square();
  const double deviation = std::sqrt(variance_of(independent));
  return {deviation, mean_of(squares).error / (2 * deviation)};
}

Estimate moment_ratio_of(VectorView independent) {
  return ratio_of(independent.cwiseAbs(), independent.cwiseAbs2(), 1);
}

Estimate pooled_ratio_of(TensorView keys) {
  return ratio_of(one_norms(keys), keys.rowwise().squaredNorm(), static_cast<double>(keys.cols()));
}

void near(Findings& findings, std::string quantity, Estimate estimate, double expected,
          double bias) {
  findings.equal(std::move(quantity), estimate.value, expected, kErrors * estimate.error + bias);
}

void not_above(Findings& findings, std::string quantity, Estimate estimate, double bound) {
  findings.at_most(std::move(quantity), estimate.value, bound, kErrors * estimate.error);
}

void not_below(Findings& findings, std::string quantity, Estimate estimate, double bound) {
  findings.at_least(std::move(quantity), estimate.value, bound, kErrors * estimate.error);
}

}  // namespace rg::theorems
