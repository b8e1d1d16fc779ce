#include "readout/features.h"

#include <cmath>

#include "base/error.h"

namespace rg::readout {
namespace {

constexpr double kConstantFeature = 1e-12;  // of the mean square

}  // namespace

void Standardiser::apply(const float* row, float* out) const {
  for (size_t j = 0; j < mean.size(); ++j) out[j] = (row[j] - mean[j]) * scale[j];
}

Standardiser standardiser_of(const linear::Column& mean, const linear::Column& variance) {
  Standardiser out;
  for (Eigen::Index j = 0; j < mean.size(); ++j) {
    const bool varies = variance[j] > kConstantFeature * (variance[j] + mean[j] * mean[j]);
    out.mean.push_back(static_cast<float>(mean[j]));
    out.scale.push_back(varies ? static_cast<float>(1 / std::sqrt(variance[j])) : 0.0f);
  }
  return out;
}

Standardiser standardiser_of(const FeatureRows& features, std::span<const uint32_t> rows) {
  check_internal(!rows.empty(), "rows to standardise by");
  const auto count = static_cast<double>(rows.size());
  linear::Column mean = linear::Column::Zero(features.width);
  linear::Column variance = linear::Column::Zero(features.width);
  for (const uint32_t n : rows) {
    const float* const row = features.row(n);
    for (uint32_t j = 0; j < features.width; ++j) mean[j] += static_cast<double>(row[j]);
  }
  mean /= count;
  for (const uint32_t n : rows) {
    const float* const row = features.row(n);
    for (uint32_t j = 0; j < features.width; ++j) {
      const double away = static_cast<double>(row[j]) - mean[j];
      variance[j] += away * away;
    }
  }
  return standardiser_of(mean, variance / count);
}

}  // namespace rg::readout
