// The ceiling of everything else: the fastest product with one matrix that the library offers on
// this machine, and the rate of grouped expert products made of it alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/product.h"

namespace rg::bench {

// A way to multiply.
struct ProductKind {
  uint32_t rows;                                // tile height
  std::optional<kernels::WeightLayout> layout;  // none: oneDNN's sgemm, which packs in each call
  double flops_per_s = 0;                       // of all threads together

  std::string name() const;  // "oneDNN, tiles of 384 rows, weights as given"
};

// The fastest of all tile heights (192, 384, 768), layouts and sgemm for one matrix (out, in), the
// same one again and again.
ProductKind fastest_product(uint32_t in, uint32_t out, kernels::Compute compute, int threads);

// FLOP/s over `experts` experts of (width, expert_width), rows_per_expert rows each.
double grouped_products_per_s(const ProductKind& kind, uint32_t width, uint32_t expert_width,
                              uint32_t experts, uint32_t rows_per_expert, kernels::Compute compute,
                              int threads);

}  // namespace rg::bench
