// Where the blocks get their weights from: the engine implements it, reading ahead.
#pragma once

#include "kernels/product.h"
#include "model/weight.h"
#include "tensor/buffer.h"

namespace rg::model {

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // The weight as (rows, columns) row-major: in the compute type to `out`, and widened to fp32 to
  // `exact` unless that is null. Weights are read once each, in the order of for_each_weight().
  virtual void read(const Weight& weight, kernels::Compute compute, std::byte* out,
                    float* exact) = 0;
};

// A vector or a small matrix as fp32; empty for an absent weight.
inline Buffer<float> read_values(WeightSource& source, const Weight& weight) {
  if (!weight) return {};
  Buffer<float> values(weight.elements());
  source.read(weight, kernels::Compute::f32, reinterpret_cast<std::byte*>(values.data()), nullptr);
  return values;
}

}  // namespace rg::model
