// How steep any function of the keys must be that gets two nearly equal keys right which are routed
// differently (KR-8): Lip >= sqrt(2) min(margins) / |k - k'|. Distances by fp32 products find the
// pairs; the slope of a pair found is computed in fp64 from the rows. For comparison: the exact
// linear readout, where there is one, has the largest singular value of C_E G K^+ (`readout` of
// closed_form with the covariance I).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::readout {

struct KeyRoutes {
  std::span<const float> keys;    // (n, m), as the reader gets them
  uint32_t width;                 // m
  std::span<const int32_t> sets;  // (n, k), any order
  uint32_t top_k;
  std::span<const float> margins;  // (n) between ranks k and k+1, of what the reader must output;
                                   // NaN counts as 0
};

// Per row, over the other rows with another set: 0 if there is none, infinite for equal keys and a
// positive margin. The slope to the nearest of them in key space, and the steepest (up to the
// rounding of the distances that rank the pairs). Every one is a lower bound of the Lipschitz
// constant of a function that reproduces all routes with their margins.
struct Slopes {
  std::vector<double> nearest, steepest;  // (n)
  uint64_t collisions;  // rows with another row of equal keys (distance 0) and another set
};
Slopes key_slopes(const KeyRoutes& routes, int threads);

}  // namespace rg::readout
