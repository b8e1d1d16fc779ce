#include "model/blocks/norm.h"

#include <algorithm>

#include "kernels/elementwise.h"

namespace rg::model {

NormWeights::NormWeights(const Norm& norm, WeightSource& source, float multiplier)
    : spec_(norm.spec),
      gain_(read_values(source, norm.gain)),
      bias_(read_values(source, norm.bias)) {
  if (spec_.kind == NormKind::rms_one_plus) {
    for (float& gain : gain_.span()) gain += 1;
  }
  if (multiplier != 1) {
    for (float& gain : gain_.span()) gain *= multiplier;
  }
}

NormWeights NormWeights::none(size_t width) {
  NormWeights weights;
  weights.spec_ = kNoNorm;
  weights.gain_ = Buffer<float>(width);
  std::fill_n(weights.gain_.data(), width, 1.0f);
  return weights;
}

void NormWeights::apply(const float* in, float* out) const noexcept {
  if (spec_.kind == NormKind::none) {
    if (in != out) std::copy_n(in, gain_.size(), out);
  } else if (spec_.kind == NormKind::layer) {
    kernels::layer_norm(in, gain_.data(), bias_.data(), gain_.size(), spec_.epsilon, out);
  } else {
    kernels::rms_norm(in, gain_.data(), gain_.size(), spec_.epsilon, out);
  }
}

}  // namespace rg::model
