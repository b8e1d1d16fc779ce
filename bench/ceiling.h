// The ceiling of everything else: grouped expert products alone, on packed weights, in tiles of
// 192 rows, one product per thread.
#pragma once

#include <cstdint>

#include "kernels/product.h"

namespace rg::bench {

// FLOP/s over `experts` experts of (width, expert_width), rows_per_expert rows each.
double grouped_products_per_s(uint32_t width, uint32_t expert_width, uint32_t experts,
                              uint32_t rows_per_expert, kernels::Compute compute, int threads);

}  // namespace rg::bench
