// Token mixers alone, at the widths of released models, against the fastest product of their own
// largest matrix.
#pragma once

#include <string>
#include <vector>

#include "kernels/product.h"

namespace rg::bench {

struct BlockRate {
  std::string name;    // "gated_delta"
  std::string of;      // the model whose widths these are
  double flops_per_s;  // of all threads together, by mixer_flops()
  double ceiling;      // FLOP/s of the fastest product of the block's largest matrix
};

// Windows of 256 tokens, one per thread at a time, random weights.
std::vector<BlockRate> block_rates(kernels::Compute compute, int threads);

}  // namespace rg::bench
