// What no reader of the keys can exceed if logits given keys are Gaussian (KR-10, its realistic
// form): the logits of a token are a mean that the keys tell plus a residual that they don't. Any
// set that a reader names overlaps the true one by the mean inclusion probability of its members;
// the best names the k most probable. Monte Carlo, seeded, every row with draws of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/matrix.h"
#include "readout/draws.h"
#include "readout/routes.h"

namespace rg::readout {

struct CeilingOptions {
  Source source = {};
  uint32_t draws = 64;  // per row, even
  int threads = 1;
};

// Expected overlap of the best set, per row. `lower` names the set by one half of the draws and
// counts on the other (both ways, averaged): too low on average, as the set isn't the best one.
// `upper` names and counts on all: too high on average. The ceiling lies between their means.
struct Ceiling {
  std::vector<double> lower, upper;  // (n)
};

// means (n, E): conditional means of the logits; residual (E, E): their conditional covariance,
// rounding below 0 cut off.
Ceiling gaussian_ceiling(const Gate& gate, std::span<const float> means,
                         const linear::Matrix& residual, const CeilingOptions& options);

}  // namespace rg::readout
