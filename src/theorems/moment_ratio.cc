#include "theorems/moment_ratio.h"

#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

constexpr double kGaussian = 2 / std::numbers::pi;
constexpr double kQuadrature = 1e-8;

double density(double x, double skewness, double excess_kurtosis) {
  const double he3 = x * (x * x - 3), he4 = (x * x - 6) * x * x + 3;
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi) *
         (1 + skewness / 6 * he3 + excess_kurtosis / 24 * he4);
}

// Simpson's rule over [-14, 14], where the tails are below 1e-38; 0 is a node, so |x| is smooth
// between nodes.
template <typename Function>
double integral(Function f) {
  constexpr int kHalf = 1400;
  const double step = 14.0 / kHalf;
  double sum = 0;
  for (int i = -kHalf; i <= kHalf; ++i) {
    const double weight = i == -kHalf || i == kHalf ? 1 : (i % 2 == 0 ? 2 : 4);
    sum += weight * f(i * step);
  }
  return sum * step / 3;
}

Vector channel_rms(TensorView keys) {
  return (keys.colwise().squaredNorm() / static_cast<double>(keys.rows())).cwiseSqrt();
}

}  // namespace

void ratio_range(TensorView entries, Findings& findings) {
  const double ratio = beta_pooled(entries), mean = entries.cwiseAbs().mean();
  const double variance = (entries.cwiseAbs().array() - mean).square().mean();
  findings.above("beta > 0", ratio, 0);
  findings.at_most("beta <= 1", ratio, 1, kRelative);
  findings.equal("1 - beta = var|X| / E X^2", 1 - ratio, variance / entries.cwiseAbs2().mean(),
                 kRelative);
  findings.equal("beta(tX) = beta(X), t = -0.01", beta_pooled(-0.01 * entries), ratio, kRelative);
  if (entries.cwiseAbs().maxCoeff() == entries.cwiseAbs().minCoeff()) {
    findings.equal("beta = 1 for one magnitude", ratio, 1, kRelative);
  } else {
    findings.below("beta < 1 for several magnitudes", ratio, 1);
  }
}

void cosine_of_independent_coordinates(TensorView keys, VectorView pool, Findings& findings) {
  const double square = pool.cwiseAbs2().mean();
  const double kurtosis = pool.cwiseAbs2().cwiseAbs2().mean() / (square * square);
  near(findings, "mean c = sqrt(beta of the pool)", mean_of(cosines_1bit(keys)),
       std::sqrt(beta(pool)), kurtosis / static_cast<double>(keys.cols()));
}

double generalised_gaussian_ratio(double exponent) {
  return std::exp(2 * std::lgamma(2 / exponent) - std::lgamma(1 / exponent) -
                  std::lgamma(3 / exponent));
}

void ratio_of_draws(VectorView draws, double expected, Findings& findings) {
  near(findings, "beta of the draws", moment_ratio_of(draws), expected, 0);
}

double gram_charlier_mean_size(double skewness, double excess_kurtosis) {
  return integral([&](double x) { return std::abs(x) * density(x, skewness, excess_kurtosis); });
}

void gram_charlier(double skewness, double excess_kurtosis, Findings& findings) {
  const auto moment = [&](int power) {
    return integral(
        [&](double x) { return std::pow(x, power) * density(x, skewness, excess_kurtosis); });
  };
  double lowest = 0;
  for (double x = -14; x <= 14; x += 0.001) {
    lowest = std::min(lowest, density(x, skewness, excess_kurtosis));
  }
  findings.at_least("least density", lowest, 0);
  findings.equal("mass", moment(0), 1, kQuadrature);
  findings.equal("E X", moment(1), 0, kQuadrature);
  findings.equal("E X^2", moment(2), 1, kQuadrature);
  findings.equal("E X^3", moment(3), skewness, kQuadrature);
  findings.equal("E X^4 - 3", moment(4) - 3, excess_kurtosis, kQuadrature);
  const double size = gram_charlier_mean_size(skewness, excess_kurtosis);
  const double factor = 1 - excess_kurtosis / 24;
  findings.equal("E|X| = sqrt(2/pi) (1 - k4/24)", size, std::sqrt(kGaussian) * factor, kQuadrature);
  findings.equal("beta = 2/pi (1 - k4/24)^2", size * size / moment(2), kGaussian * factor * factor,
                 kQuadrature);
}

double sphere_beta(Eigen::Index d) { return kGaussian + (1 - kGaussian) / static_cast<double>(d); }

double sphere_cosine(Eigen::Index d) {
  const auto size = static_cast<double>(d);
  return std::sqrt(size / std::numbers::pi) *
         std::exp(std::lgamma(size / 2) - std::lgamma((size + 1) / 2));
}

double sphere_cosine_deviation(Eigen::Index d) {
  const double mean = sphere_cosine(d);
  return std::sqrt(sphere_beta(d) - mean * mean);
}

void sphere_means(TensorView cosines, Eigen::Index d, Findings& findings) {
  near(findings, "mean c", mean_of(cosines.rowwise().mean()), sphere_cosine(d), 0);
  near(findings, "mean c^2", mean_of(cosines.cwiseAbs2().rowwise().mean()), sphere_beta(d), 0);
}

double anisotropy_factor(TensorView keys) { return beta(channel_rms(keys)); }

void unequal_channels(TensorView keys, Findings& findings) {
  const Tensor equalised = keys * channel_rms(keys).cwiseInverse().asDiagonal();
  const double common = beta_pooled(equalised), pooled = beta_pooled(keys);
  findings.equal("beta_pool = beta_Y (mean s)^2 / mean s^2", pooled,
                 common * anisotropy_factor(keys), kRelative);
  findings.at_most("beta_pool <= beta_Y", pooled, common, kRelative);
}

}  // namespace rg::theorems
