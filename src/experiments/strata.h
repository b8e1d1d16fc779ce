// The strata of one window by its margins: boundary, interior, high interior.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::experiments {

// Bits of a position's strata.
inline constexpr uint8_t kBoundary = 1, kInterior = 2, kInteriorHigh = 4;

struct Strata {
  std::vector<uint8_t> of_position;  // bits; 0 where the margin is undefined
  uint32_t undefined = 0;            // positions whose margin is not finite
  uint32_t boundary = 0;             // positions in the boundary stratum
  float threshold = 0;               // Quantile_0.10 of the finite margins; 0 if there is none
  bool overlapping = false;          // some position is in both boundary and interior
};

// boundary: margin <= Quantile_0.10 of the finite ones; interior: >= Quantile_0.50; high interior:
// >= Quantile_0.90.
Strata stratify(std::span<const float> margins);

// Sizes of the strata if no two margins are equal.
uint32_t boundary_size(uint32_t positions);
uint32_t interior_size(uint32_t positions);

}  // namespace rg::experiments
