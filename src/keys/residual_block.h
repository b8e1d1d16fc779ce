// What the 1-bit code of a block of turned keys leaves over.
#pragma once

#include <span>

#include "keys/block_sums.h"

namespace rg::keys {

// y - |y|_1 / d sgn(y) for every key of the block (d, block_rows), in place; norms are its own.
void leave_residual(std::span<float> turned, const BlockNorms& norms);

}  // namespace rg::keys
