// Features of tokens in memory, and how they are brought to one scale.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/matrix.h"

namespace rg::readout {

// Rows of features read by index.
struct FeatureRows {
  std::span<const float> values;  // (n, width), row-major, finite
  uint32_t width;
  const float* row(uint32_t index) const { return values.data() + size_t{index} * width; }
};

// (x - mean) * scale, in fp32; scale is 1 / standard deviation, 0 for a feature whose variance is
// at most 1e-12 of its mean square.
struct Standardiser {
  std::vector<float> mean, scale;  // (features)
  void apply(const float* row, float* out) const;
};
Standardiser standardiser_of(const linear::Column& mean, const linear::Column& variance);
// Of these rows; sums in fp64, in row order, about the mean.
Standardiser standardiser_of(const FeatureRows& features, std::span<const uint32_t> rows);

}  // namespace rg::readout
