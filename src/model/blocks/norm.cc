#include "model/blocks/norm.h"

#include "kernels/elementwise.h"

namespace rg::model {

NormWeights::NormWeights(const Norm& norm, WeightSource& source)
    : spec_(norm.spec), gain_(read_values(source, norm.gain)) {}

void NormWeights::apply(const float* in, float* out) const noexcept {
  kernels::rms_norm(in, gain_.data(), gain_.size(), spec_.epsilon, out);
}

void NormWeights::apply(const float* in, bf16_t* out) const noexcept {
  kernels::rms_norm(in, gain_.data(), gain_.size(), spec_.epsilon, out);
}

}  // namespace rg::model
