#include "keys/rotary_planes.h"

#include "base/error.h"

namespace rg::keys {

std::vector<uint32_t> RotaryPlanes::unrotated(uint32_t width) const {
  std::vector<bool> turns(width, false);
  for (const auto& pair : pairs) turns[pair[0]] = turns[pair[1]] = true;
  std::vector<uint32_t> out;
  for (uint32_t j = 0; j < width; ++j) {
    if (!turns[j]) out.push_back(j);
  }
  return out;
}

void check_planes(const RotaryPlanes& planes, uint32_t width) {
  check_internal(planes.pairs.size() == planes.frequencies.size(), "a frequency for every plane");
  std::vector<bool> seen(width, false);
  for (const auto& pair : planes.pairs) {
    for (const uint32_t column : pair) {
      check_internal(column < width && !seen[column], "planes of distinct columns");
      seen[column] = true;
    }
  }
}

}  // namespace rg::keys
