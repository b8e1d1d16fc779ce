// Which positions' keys are kept where all of them would be too many: a pure function of the seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace rg::experiments {

// `count` positions of a window of `length` tokens, or all if it has no more, ascending; drawn
// without replacement (Purpose::key_positions, j = window, layer = index of its set). The same in
// every layer and model.
inline std::vector<uint32_t> sampled_key_positions(uint64_t seed, uint32_t set, uint32_t window,
                                                   uint32_t length, uint32_t count) {
  std::vector<uint32_t> positions(length);
  if (count >= length) {
    std::iota(positions.begin(), positions.end(), 0);
    return positions;
  }
  positions = draw_subset(length, count, seed, Purpose::key_positions, window, set);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace rg::experiments
