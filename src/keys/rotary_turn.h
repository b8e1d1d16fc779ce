// RoPE applied to changes of keys: a key stored before RoPE and read with an error e is turned when
// it is read, so that at its position it differs by the turned e.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "keys/rotary_planes.h"

namespace rg::keys {

class RotaryTurn {
 public:
  // `factor` multiplies what is turned (YaRN's attention factor). Angles are fp32(position *
  // frequency), as models compute them; their cosines and sines fp64.
  RotaryTurn(const RotaryPlanes& planes, double factor, uint32_t positions);

  static uint64_t bytes(size_t planes, uint32_t positions) {
    return 2 * uint64_t{positions} * planes * sizeof(double);
  }
  // In place; columns in no plane stay. `change` (d), of a key at `position`.
  void turn(uint32_t position, std::span<double> change) const;

 private:
  std::vector<std::array<uint32_t, 2>> pairs_;
  std::vector<double> cosines_, sines_;  // (positions, planes), times the factor
};

}  // namespace rg::keys
