// A low-rank correction beside the 1-bit code (RR of the theorem catalogue): what it captures, what
// it costs. Directions are fitted on one half of the keys and kept; the other half pays for
// coefficients only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keys/packed_keys.h"

namespace rg::keys {

// Shares of energy along the first `rank` principal directions of the fitting half: gamma_r. Of the
// keys and of what their code (signs times |y|_1 / d in the gauge) leaves over; the formula of the
// first kind needs the second gamma.
struct ResidualShare {
  uint32_t rank;
  double keys_in_sample, keys_held_out;
  double residual_in_sample, residual_held_out;
  // Relative squared errors, held out, exact for these directions: (1 - beta_E) (1 - gamma of the
  // residual), RR-2; (1 - gamma of the keys) (1 - beta_E of what is left), RR-3.
  double code_then_rank, rank_then_code;
  double bits;        // a coordinate: 1 + 16 (rank + 1) / d, RR-5
  double white_edge;  // r/d (1 + sqrt(d/n))^2: residual_in_sample of white residuals, RR-5
};
// gauge orthogonal; both sets of one width; `fit` packed for moments. Ranks from 1 to d. None if
// either half has no key that isn't zero, or the residual is zero.
std::optional<std::vector<ResidualShare>> residual_shares(const PackedKeys& fit,
                                                          const PackedKeys& held_out,
                                                          const linear::Matrix& gauge,
                                                          std::span<const uint32_t> ranks);

double bits_per_coordinate(uint32_t rank, uint32_t width);

}  // namespace rg::keys
