// Per token: do its keys decide its route? (KR-10, before attention: router and keys read the same
// residual through one RMSNorm each, of one epsilon; gains folded in; no router bias, no groups, no
// selection bias). P projects on ker K.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/matrix.h"
#include "readout/key_span.h"

namespace rg::readout {

// Of every pair of router rows: |g| and |P g|, g = G_i - G_j. (E, E), symmetric.
struct PairLengths {
  linear::Matrix whole, hidden;
};
PairLengths pair_lengths(const KeySpan& span, const linear::Matrix& gate);

// |g| / |P g| of the pairs at the boundary, ranks k and k+1 of every token: how much farther the
// nearest change of route with the same keys is than the nearest change (RG-6). ranked (n, k+1).
// Infinite where |P g| is at most 1e-10 |g| (keys see the pair); NaN for equal router rows or a
// rank without expert.
std::vector<double> boundary_ratios(const PairLengths& pairs, std::span<const int32_t> ranked,
                                    uint32_t top_k);

// Residuals x (n, D), not zero. With T the k largest of G x (ties to the lower index):
//   slack = min over i in T, j outside, of g' (I - P) x - |P g| r,  r^2 = |P x|^2 + D epsilon.
// The keys determine T exactly where slack >= 0. In units of the logits G x before the norm.
std::vector<double> determinacy_slacks(const KeySpan& span, const linear::Matrix& gate,
                                       const PairLengths& pairs, const linear::Matrix& residuals,
                                       double epsilon, uint32_t top_k);

}  // namespace rg::readout
