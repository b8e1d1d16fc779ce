#include "theorems/jensen_floor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "theorems/attention.h"
#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

double root_of_size(TensorView keys) { return std::sqrt(static_cast<double>(keys.cols())); }

Vector energies(TensorView keys) { return keys.rowwise().squaredNorm(); }

// |k_n - a_n s_n|^2 / |k_n|^2 for the signs s_n and scales a (n).
Vector relative_errors(TensorView keys, VectorView scales) {
  const Tensor code = scales.asDiagonal() * sign_code(keys);
  return energies(keys - code).cwiseQuotient(energies(keys));
}

// The least relative error of every key over the patterns sgn(k) * flip, each with a scale near the
// best one, max(k't, 0) / d, and with that one: (n).
Vector least_pattern_errors(TensorView keys, TensorView flips) {
  const Tensor signs = sign_code(keys);
  const Vector energy = energies(keys);
  Vector saved = Vector::Constant(keys.rows(), -std::numeric_limits<double>::infinity());
  for (Eigen::Index m = 0; m < flips.rows(); ++m) {
    const Tensor patterns = signs * flips.row(m).asDiagonal();
    const Vector best = keys.cwiseProduct(patterns).rowwise().mean().cwiseMax(0);
    for (const double factor : {0.95, 1.0, 1.05}) {
      const Tensor code = (factor * best).asDiagonal() * patterns;
      const Vector errors = energies(keys - code).cwiseQuotient(energy);
      for (Eigen::Index n = 0; n < saved.size(); ++n) saved[n] = worse(saved[n], -errors[n]);
    }
  }
  return -saved;
}

// Rows of weights softmax(k_n . code_m * sharpness), (n, n).
Tensor attention(TensorView keys, TensorView codes, double sharpness) {
  Tensor weights = sharpness * keys * codes.transpose();
  for (auto row : weights.rowwise()) row = softmax(row.transpose()).transpose();
  return weights;
}

}  // namespace

void cosine_formula(TensorView keys, TensorView codes, Findings& findings) {
  const Vector c = cosines_1bit(keys);
  const Vector products = keys.cwiseProduct(codes).rowwise().sum();
  const Vector lengths = keys.rowwise().norm().cwiseProduct(codes.rowwise().norm());
  findings.at_most("max |k's / (|k||s|) - |k|_1 / (sqrt(d) |k|)|",
                   largest_size(products.cwiseQuotient(lengths) - c), 0, kTight);
  for (const double t : {1e-3, -7.3}) {
    findings.at_most(t < 0 ? "max |c(tk) - c(k)|, t = -7.3" : "max |c(tk) - c(k)|, t = 0.001",
                     largest_size(cosines_1bit(t * keys) - c), 0, kTight);
  }
}

void cosine_range(TensorView keys, Findings& findings) {
  const Vector c = cosines_1bit(keys);
  findings.at_least("min c", least(c), 1 / root_of_size(keys), kTight);
  findings.at_most("max c", largest(c), 1, kTight);
}

void cosine_extremes(TensorView keys, Findings& findings) {
  const Vector c = cosines_1bit(keys);
  double wrong_upper = 0, wrong_lower = 0;
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const Vector sizes = keys.row(n).cwiseAbs();
    const bool one_magnitude = sizes.maxCoeff() == sizes.minCoeff();
    const bool one_entry = (sizes.array() != 0).count() == 1;
    wrong_upper += (std::abs(c(n) - 1) <= kTight) != one_magnitude ? 1 : 0;
    wrong_lower += (std::abs(c(n) - 1 / root_of_size(keys)) <= kTight) != one_entry ? 1 : 0;
  }
  findings.equal("keys where c = 1 and one magnitude disagree", wrong_upper, 0, 0);
  findings.equal("keys where c = 1/sqrt(d) and one entry disagree", wrong_lower, 0, 0);
}

void residual_energy(TensorView keys, Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Vector best = one_norms(keys) / d;
  const Vector floor = 1 - cosines_1bit(keys).array().square();
  findings.at_most("max ||k - a*s|^2 / |k|^2 - (1 - c^2)|",
                   largest_size(relative_errors(keys, best) - floor), 0, kRelative);
  for (const double factor : {-1.0, 0.0, 0.99, 1.01, 2.0}) {
    const Vector excess = relative_errors(keys, factor * best) - floor;
    const Vector off = (factor - 1) * best;
    const Vector expected = d * off.cwiseAbs2().cwiseQuotient(energies(keys));
    findings.at_most("max |excess error at another scale a - d (a - a*)^2|",
                     largest_size(excess - expected), 0, kRelative * (1 + d));
    findings.above("min excess error at another scale", least(excess), 0);
  }
}

void best_pattern(TensorView keys, TensorView flips, Findings& findings) {
  const Vector floor = 1 - cosines_1bit(keys).array().square();
  findings.at_least("min over patterns of relative error - (1 - c^2)",
                    least(least_pattern_errors(keys, flips) - floor), 0, kRelative);
}

void best_pattern_of_all(TensorView keys, Findings& findings) {
  check_internal(keys.cols() <= 12, "a listing of all patterns for few coordinates");
  const Tensor flips = all_sign_vectors(keys.cols());
  best_pattern(keys, flips, findings);
  const Vector floor = 1 - cosines_1bit(keys).array().square();
  findings.at_most("max over keys of the least of all errors - (1 - c^2)",
                   largest(least_pattern_errors(keys, flips) - floor), 0, kRelative);
  const Tensor products = keys.cwiseAbs() * flips.transpose();
  double wrong = 0;
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const double most = keys.row(n).lpNorm<1>();
    const auto reached = (products.row(n).array() >= most * (1 - kRelative)).count();
    const auto zeros = (keys.row(n).array() == 0).count();
    wrong += reached != Eigen::Index{1} << zeros ? 1 : 0;
  }
  findings.equal("keys with z zeros where not 2^z patterns are best", wrong, 0, 0);
}

void three_scales(TensorView keys, Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Vector c = cosines_1bit(keys), length = keys.rowwise().norm(), sums = one_norms(keys);
  const Vector unbiased = energies(keys).cwiseQuotient(sums);
  const Vector errors[] = {relative_errors(keys, sums / d),
                           relative_errors(keys, length / std::sqrt(d)),
                           relative_errors(keys, unbiased)};
  // The last one grows to d - 1 for one-hot keys; errors are compared in units of 1 + the error.
  const auto off = [](VectorView found, VectorView formula) {
    return largest_size((found - formula).array() / (1 + formula.array()));
  };
  findings.at_most("least error: max |error - (1 - c^2)|", off(errors[0], 1 - c.array().square()),
                   0, kRelative);
  findings.at_most("norm kept: max |error - 2 (1 - c)|", off(errors[1], 2 - 2 * c.array()), 0,
                   kRelative);
  findings.at_most("unbiased: max |error - (1/c^2 - 1)|",
                   off(errors[2], c.array().square().inverse() - 1), 0, kRelative);
  findings.at_least("min (norm kept - least error)", least(errors[1] - errors[0]), 0, kRelative);
  findings.at_least("min (unbiased - norm kept)", least(errors[2] - errors[1]), 0, kRelative);
  const Vector own = sums.cwiseAbs2().cwiseQuotient(d * energies(keys));
  const Tensor code = mmse_code(keys);
  findings.at_most(
      "least error: max |<k, code> / |k|^2 - c^2|",
      largest_size(keys.cwiseProduct(code).rowwise().sum().cwiseQuotient(energies(keys)) - own), 0,
      kRelative);
  const Tensor fair = unbiased.asDiagonal() * sign_code(keys);
  findings.at_most(
      "unbiased: max |<k, code> / |k|^2 - 1|",
      largest_size(keys.cwiseProduct(fair).rowwise().sum().cwiseQuotient(energies(keys)).array() -
                   1),
      0, kRelative);
}

void scales_in_attention(TensorView keys, double sharpness, Findings& findings) {
  const Vector scales = energies(keys).cwiseQuotient(one_norms(keys));
  const Tensor fair = scales.asDiagonal() * sign_code(keys), small = mmse_code(keys);
  const Vector exact_logit = energies(keys), beta = cosines_1bit(keys).cwiseAbs2();
  const Vector fair_logit = (keys * fair.transpose()).diagonal();
  const Vector small_logit = (keys * small.transpose()).diagonal();
  findings.at_most("own logit, unbiased scale: max relative error",
                   largest_size(fair_logit.cwiseQuotient(exact_logit).array() - 1), 0, kRelative);
  findings.at_most("own logit, least-error scale: max |ratio to the exact one - beta|",
                   largest_size(small_logit.cwiseQuotient(exact_logit) - beta), 0, kRelative);
  const double exact_share = attention(keys, keys, sharpness).diagonal().mean();
  const double small_share = attention(keys, small, sharpness).diagonal().mean();
  findings.below("mean attention on the own key, least-error scale against exact keys", small_share,
                 exact_share);
}

void variance_identity(TensorView keys, Findings& findings) {
  const Vector c = cosines_1bit(keys), mean = keys.cwiseAbs().rowwise().mean();
  const Vector variance = (keys.cwiseAbs().colwise() - mean).cwiseAbs2().rowwise().mean();
  const Vector square = keys.cwiseAbs2().rowwise().mean();
  const Vector beta = c.cwiseAbs2();
  findings.at_most("max |1 - beta - var|k_i| / mean k_i^2|",
                   largest_size(1 - beta.array() - variance.cwiseQuotient(square).array()), 0,
                   kTight);
  const Vector spread = variance.cwiseQuotient(mean.cwiseAbs2());  // CV^2
  findings.at_most("max |beta - 1 / (1 + CV^2)|",
                   largest_size(beta.array() - (1 + spread.array()).inverse()), 0, kTight);
}

void aggregate_order(TensorView keys, Findings& findings) {
  const double pooled = beta_pooled(keys);
  const Vector c = cosines_1bit(keys);
  findings.at_most("beta_pool <= beta_E", pooled, beta_per_key(keys), kRelative);
  findings.at_most("beta_pool <= beta_ch", pooled, beta_per_channel(keys), kRelative);
  findings.at_most("(mean c)^2 <= mean c^2", c.mean() * c.mean(), c.cwiseAbs2().mean(), kRelative);
}

}  // namespace rg::theorems
