// Pinned draws of this floor: a pure function of the seed, the layer and what the draw is for
// (base/random.h, Purpose::readout).
#pragma once

#include <cstdint>
#include <vector>

namespace rg::readout {

enum class Draw : uint32_t { split = 1, weights = 2, order = 3, residual = 4 };  // below 16

struct Source {
  uint64_t seed = 0;
  uint32_t layer = 0;  // below 2^28
};

// Standard normal, by the quantile function: at most 6.3 in size.
double normal_draw(const Source& source, Draw draw, uint32_t index, uint32_t number);
// 0..n-1 in random order (Fisher-Yates).
std::vector<uint32_t> shuffled(const Source& source, Draw draw, uint32_t n, uint32_t number);

}  // namespace rg::readout
