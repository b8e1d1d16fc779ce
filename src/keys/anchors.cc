#include "keys/anchors.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/pinned_math.h"

namespace rg::keys {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kGaussianBeta = 2 / kPi;
constexpr double kCeilingBeta = 8 / (kPi * kPi);

}  // namespace

double gaussian_cosine(uint32_t width) {
  // Gamma(d/2) / Gamma((d+1)/2), from d = 1 or 2 in steps of 2: the next is this times d / (d+1).
  const uint32_t first = width % 2 == 1 ? 1 : 2;
  double ratio = first == 1 ? std::sqrt(kPi) : 2 / std::sqrt(kPi);
  for (uint32_t d = first; d < width; d += 2) ratio *= d / (d + 1.0);
  return std::sqrt(width / kPi) * ratio;
}

double gaussian_beta(uint32_t width) { return kGaussianBeta + (1 - kGaussianBeta) / width; }

double gaussian_cosine_deviation(uint32_t width) {
  const double mean = gaussian_cosine(width);
  return std::sqrt(std::max(0.0, gaussian_beta(width) - mean * mean));
}

double gaussian_pooled_beta(const linear::Matrix& second_moments, const linear::Matrix& gauge) {
  const linear::Matrix turned = gauge * second_moments;
  const linear::Column variances = turned.cwiseProduct(gauge).rowwise().sum();
  const double mean_root = variances.cwiseMax(0.0).cwiseSqrt().mean();
  return kGaussianBeta * mean_root * mean_root / variances.mean();
}

double rope_ceiling_cosine(double resting_share) {
  return std::sqrt(resting_share + kCeilingBeta * (1 - resting_share));
}

double rope_ceiling_beta() { return kCeilingBeta; }

double resting_share(const linear::Matrix& second_moments, const RotaryPlanes& planes,
                     double positions, double cycles) {
  check_planes(planes, static_cast<uint32_t>(second_moments.rows()));
  double turning = 0;
  for (size_t plane = 0; plane < planes.pairs.size(); ++plane) {
    if (planes.frequencies[plane] * positions < 2 * kPi * cycles) continue;
    for (const uint32_t column : planes.pairs[plane]) turning += second_moments(column, column);
  }
  return std::max(1 - turning / second_moments.trace(), 0.0);  // all turns, up to rounding
}

double generalisation_bound(uint32_t width, double keys, double delta) {
  return 2 * std::sqrt(width / keys) + std::sqrt(stats::pinned_log(2 / delta) / (2 * keys));
}

}  // namespace rg::keys
