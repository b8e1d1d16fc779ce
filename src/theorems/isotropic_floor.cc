#include "theorems/isotropic_floor.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/key_samples.h"
#include "theorems/moment_ratio.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

const double kGaussianCosine = std::sqrt(2 / std::numbers::pi);

}  // namespace

void no_lift(TensorView fresh_keys, TensorView rotation, Findings& findings) {
  const Vector lift = cosines_1bit(turned(fresh_keys, rotation)) - cosines_1bit(fresh_keys);
  near(findings, "mean c(Rk) - c(k), fresh keys", mean_of(lift), 0, 0);
}

void worst_key(TensorView rotation, Findings& findings) {
  const Tensor key = rotation.row(0);
  findings.equal("c(R k) = 1/sqrt(d) at k = R'e_1", mean_cosine(turned(key, rotation)),
                 1 / std::sqrt(static_cast<double>(key.cols())), kTight);
}

void worst_mean(TensorView keys, const std::vector<Tensor>& rotations, Findings& findings) {
  Vector cosines = Vector::Zero(keys.rows()), squares = cosines;
  for (const Tensor& rotation : rotations) {
    const Vector c = cosines_1bit(turned(keys, rotation));
    cosines += c / static_cast<double>(rotations.size());
    squares += c.cwiseAbs2() / static_cast<double>(rotations.size());
  }
  findings.at_most("least over keys of mean beta(Rk)", least(squares), sphere_beta(keys.cols()));
  findings.at_most("least over keys of mean c(Rk)", least(cosines), sphere_cosine(keys.cols()));
}

void white_keys_on_the_lattice(TensorView keys, TensorView rotation, double moment_tolerance,
                               Findings& findings) {
  const auto n = static_cast<double>(keys.rows());
  findings.at_most("max |mean|", largest_size(keys.colwise().mean()), 0, moment_tolerance);
  const Tensor second = keys.transpose() * keys / n;
  findings.at_most("max |E kk' - I|",
                   largest_size(second - Tensor::Identity(keys.cols(), keys.cols())), 0,
                   moment_tolerance);
  findings.at_least("min c(Rk)", least(cosines_1bit(turned(keys, rotation))), 1, kTight);
}

double gaussian_pooled_ratio(TensorView covariance, TensorView rotation) {
  const Vector variances = (rotation * covariance * rotation.transpose()).diagonal();
  // Rounding may leave a variance of 0 slightly negative.
  return 2 / std::numbers::pi * beta(variances.cwiseMax(0).cwiseSqrt());
}

void gaussian_ceiling(TensorView keys, TensorView covariance, TensorView rotation,
                      Findings& findings) {
  const Estimate ratio = pooled_ratio_of(turned(keys, rotation));
  near(findings, "beta_pool = 2/pi (mean sqrt(s))^2 / mean s", ratio,
       gaussian_pooled_ratio(covariance, rotation), 0);
  not_above(findings, "beta_pool <= 2/pi", ratio, 2 / std::numbers::pi);
}

Vector hadamard_cosines(VectorView key, TensorView hadamard, TensorView signs) {
  return cosines_1bit(turned(signs * key.asDiagonal(), hadamard));
}

void hadamard_over_all_signs(TensorView keys, TensorView hadamard, Findings& findings) {
  const Eigen::Index d = keys.cols();
  const Tensor signs = all_sign_vectors(d);
  Vector square_errors(keys.rows()), means(keys.rows()), excess(keys.rows()), order(keys.rows());
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const Vector key = keys.row(n);
    const Tensor turned_keys = turned(signs * key.asDiagonal(), hadamard);
    const Vector squares = turned_keys.cwiseAbs2().colwise().mean() / key.squaredNorm();
    square_errors(n) = largest_size(squares.array() - 1 / static_cast<double>(d));
    means(n) = mean_cosine(turned_keys);
    excess(n) = std::abs(means(n) - kGaussianCosine) - third_moment_bound(key);
    order(n) = third_moment_bound(key) - key.lpNorm<Eigen::Infinity>() / key.norm();
  }
  findings.at_most("(i) max |mean (HDk)_j^2 / |k|^2 - 1/d|", largest(square_errors), 0, kTight);
  findings.at_least("(ii) min over keys of mean c", least(means), 1 / std::numbers::sqrt2, kTight);
  findings.at_most("(iv) max |mean c - sqrt(2/pi)| - |k|_3^3/|k|^3", largest(excess), 0, kTight);
  findings.at_most("(iv) max |k|_3^3/|k|^3 - |k|_inf/|k|", largest(order), 0, kTight);
}

void hadamard_over_draws(VectorView key, TensorView hadamard, TensorView signs,
                         Findings& findings) {
  const Estimate mean = mean_of(hadamard_cosines(key, hadamard, signs));
  not_below(findings, "(ii) mean c >= 1/sqrt(2)", {mean.value, mean.error + kTight},
            1 / std::numbers::sqrt2);
  const Estimate off{std::abs(mean.value - kGaussianCosine), mean.error};
  not_above(findings, "(iv) |mean c - sqrt(2/pi)| <= |k|_3^3/|k|^3", off, third_moment_bound(key));
  const double largest_entry = key.lpNorm<Eigen::Infinity>();
  const auto present = key.cwiseAbs().array() > 0;
  const bool equal = present.select(key.cwiseAbs(), largest_entry).minCoeff() == largest_entry;
  if (equal) {
    const auto terms = static_cast<int>(present.count());
    near(findings, fmt::format("mean c = E|sum of {0} signs| / sqrt({0})", terms), mean,
         mean_size_of_sign_sum(terms) / std::sqrt(terms), kTight);
  }
}

double mean_size_of_sign_sum(int terms) {
  // E|S_m| = E|S_(m-1)| + P(S_(m-1) = 0): a step away from 0 is the only one that adds.
  double mean = 0, at_zero = 1;  // of S_0; at_zero is P(S_j = 0) for the last even j
  for (int m = 1; m <= terms; ++m) {
    if (m % 2 == 1) {
      mean += at_zero;
    } else {
      at_zero *= (m - 1.0) / m;
    }
  }
  return mean;
}

void concentration(VectorView cosines, Eigen::Index d, TailBound tail_bound, Findings& findings) {
  const auto size = static_cast<double>(d);
  const double expected = std::sqrt((1 - 3 / std::numbers::pi) / size);
  const Estimate deviation = standard_deviation_of(cosines);
  findings.equal("standard deviation of c", deviation.value, expected, 0.1 * expected);
  near(findings, "standard deviation of c, exactly", deviation, sphere_cosine_deviation(d), 0);
  const Vector off = (cosines.array() - sphere_cosine(d)).abs();
  const auto n = static_cast<double>(cosines.size());
  for (const double deviations : {6.0, 8.0, 12.0}) {  // for smaller ones the bound is above 1
    const double t = deviations * expected;
    const double bound = tail_bound(d, t);
    const auto beyond = static_cast<double>((off.array() >= t).count());
    not_above(findings, fmt::format("P(|c - E c| >= {:.4f})", t),
              {beyond / n, std::sqrt(bound * (1 - bound) / n)}, bound);
  }
}

}  // namespace rg::theorems
