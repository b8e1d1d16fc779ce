// A norm with its weights in memory.
#pragma once

#include <span>

#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

class NormWeights {
 public:
  NormWeights() = default;
  // `multiplier`: of the gain.
  NormWeights(const Norm& norm, WeightSource& source, float multiplier = 1);
  static NormWeights none(size_t width);  // NormKind::none

  // One row of width() values. in == out allowed.
  void apply(const float* in, float* out) const noexcept;

  size_t width() const { return gain_.size(); }
  const NormSpec& spec() const { return spec_; }
  std::span<const float> gain() const { return gain_.span(); }  // rms_one_plus: 1 + w; none: 1

 private:
  NormSpec spec_ = {};
  Buffer<float> gain_, bias_;
};

}  // namespace rg::model
