// One weight matrix's products with sequences of several lengths; the first length packs the
// weights for all of them.
#pragma once

#include <algorithm>
#include <map>
#include <span>

#include "kernels/product.h"

namespace rg::model {

class WeightProducts {
 public:
  // `rows`: at least one, distinct.
  WeightProducts(uint32_t in, uint32_t out, kernels::Compute compute,
                 std::span<const uint32_t> rows)
      : main_(&by_rows_.try_emplace(rows[0], rows[0], in, out, compute).first->second),
        raw_bytes_(size_t{in} * out * kernels::compute_bytes(compute)) {
    for (const uint32_t n : rows.subspan(1)) by_rows_.try_emplace(n, n, *main_);
  }

  const kernels::WeightProduct& of(uint32_t rows) const { return by_rows_.at(rows); }
  kernels::PackedWeights pack(const void* raw, void* memory) const {
    return main_->pack(raw, memory);
  }
  size_t raw_bytes() const { return raw_bytes_; }
  size_t packed_bytes() const { return (main_->packed_bytes() + 63) / 64 * 64; }
  size_t product_scratch_bytes() const {
    size_t bytes = 0;
    for (const auto& [rows, product] : by_rows_) bytes = std::max(bytes, product.scratch_bytes());
    return bytes;
  }

 private:
  std::map<uint32_t, kernels::WeightProduct> by_rows_;
  const kernels::WeightProduct* main_;
  size_t raw_bytes_;
};

}  // namespace rg::model
