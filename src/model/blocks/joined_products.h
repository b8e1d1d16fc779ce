// One weight matrix's products with a mixer's calls: of all rows at once if the matrix has enough
// outputs for the fast product, else sequence by sequence.
#pragma once

#include <vector>

#include "model/blocks/mixer_call.h"
#include "model/blocks/weight_products.h"

namespace rg::model {

class JoinedProducts {
 public:
  JoinedProducts(uint32_t in, uint32_t out, const MixerSetting& setting)
      : in_(in),
        out_(out),
        compute_(setting.compute),
        tallest_(kernels::tile_heights(out, setting.compute).back()),
        products_(in, out, setting.compute, heights(setting.shapes)) {}

  kernels::PackedWeights pack(const void* raw, void* memory) const {
    return products_.pack(raw, memory);
  }
  size_t raw_bytes() const { return products_.raw_bytes(); }
  size_t packed_bytes() const { return products_.packed_bytes(); }
  size_t product_scratch_bytes() const { return products_.product_scratch_bytes(); }

  // in (call.shape.joined, in) compute type -> out (call.shape.joined, out). Rows past call.rows()
  // may hold anything and are computed or not.
  void run(const MixerCall& call, const void* in, const kernels::PackedWeights& weights,
           float* out) const noexcept {
    const uint32_t rows = height(call.shape);
    const kernels::WeightProduct& product = products_.of(rows);
    const auto* from = static_cast<const std::byte*>(in);
    for (uint32_t row = 0; row < call.rows(); row += rows) {
      product.run(from + size_t{row} * in_ * compute_bytes(compute_), weights,
                  out + size_t{row} * out_, *call.products);
    }
  }

 private:
  uint32_t height(const CallShape& shape) const {
    return shape.joined <= tallest_ ? shape.joined : shape.rows;
  }
  std::vector<uint32_t> heights(std::span<const CallShape> shapes) const {
    std::vector<uint32_t> all;
    for (const CallShape& shape : shapes) {
      if (std::find(all.begin(), all.end(), height(shape)) == all.end()) {
        all.push_back(height(shape));
      }
    }
    return all;
  }

  uint32_t in_, out_;
  kernels::Compute compute_;
  uint32_t tallest_;  // tile in which a row's bits don't depend on its place
  WeightProducts products_;
};

}  // namespace rg::model
