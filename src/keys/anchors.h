// Values that aggregates of keys are read against, exact or bounds; formulas and ids of the theorem
// catalogue.
#pragma once

#include <cstdint>

#include "keys/rotary_planes.h"
#include "linear/matrix.h"

namespace rg::keys {

// MR-5: means over uniformly random directions in d dimensions, hence of any key under a uniformly
// random rotation (IF-1).
double gaussian_cosine(uint32_t width);            // sqrt(d/pi) Gamma(d/2) / Gamma((d+1)/2)
double gaussian_beta(uint32_t width);              // 2/pi + (1 - 2/pi)/d
double gaussian_cosine_deviation(uint32_t width);  // standard deviation of one key's cosine

// IF-5: pooled beta of Gaussian keys of mean zero and these second moments in a gauge R:
// 2/pi (mean sqrt(s))^2 / mean s, s = diag(R S R'). At most 2/pi.
double gaussian_pooled_beta(const linear::Matrix& second_moments, const linear::Matrix& gauge);

// RC-7: no rotation after RoPE lifts the mean cosine of keys whose phases are uniform above 2
// sqrt(2)/pi, nor the pooled beta above 8/pi^2. A share of the energy that doesn't rotate lifts the
// ceiling of the cosine to sqrt(share + 8/pi^2 (1 - share)).
double rope_ceiling_cosine(double resting_share);
double rope_ceiling_beta();

// The share of the keys' energy in coordinates that RoPE doesn't turn, or whose plane makes fewer
// than `cycles` turns over `positions`: with so few, phases are not uniform. From second moments.
double resting_share(const linear::Matrix& second_moments, const RotaryPlanes& planes,
                     double positions, double cycles);

// GS-4: with probability 1 - delta no rotation's mean cosine on n independent keys is further than
// this from its true one.
double generalisation_bound(uint32_t width, double keys, double delta);

}  // namespace rg::keys
