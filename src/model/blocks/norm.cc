#include "model/blocks/norm.h"

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

void NormWeights::apply(const float* in, float* out) const noexcept {
  if (spec_.kind == NormKind::layer) {
    kernels::layer_norm(in, gain_.data(), bias_.data(), gain_.size(), spec_.epsilon, out);
  } else {
    kernels::rms_norm(in, gain_.data(), gain_.size(), spec_.epsilon, out);
  }
}

}  // namespace rg::model
