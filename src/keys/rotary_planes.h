// Which columns of a key RoPE turns together, and how fast (Su et al. 2021, section 3.4.2).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace rg::keys {

// The planes of RoPE as pairs of columns, in either layout. Planes of one frequency could be mixed
// as well (RC-3); they are treated like others here.
struct RotaryPlanes {
  std::vector<std::array<uint32_t, 2>> pairs;
  std::vector<double> frequencies;  // radians per position, one per plane

  std::vector<uint32_t> unrotated(uint32_t width) const;  // columns in no plane, ascending
};
// Throws an internal error if a column is out of range or in two planes.
void check_planes(const RotaryPlanes& planes, uint32_t width);

}  // namespace rg::keys
