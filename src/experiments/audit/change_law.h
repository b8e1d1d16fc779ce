// Normal laws of the change of logits of one layer, and banks of changes drawn from them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "experiments/audit/flip_bank.h"
#include "linear/matrix.h"

namespace rg::experiments {

struct ChangeLaw {
  linear::Column mean;        // (E)
  linear::Matrix covariance;  // (E,E), only its lower half
};
// F3's law: mean and covariance (divisor N) of the bank's rows; zeros if it has none.
ChangeLaw fitted_law(const FlipBank& bank, uint32_t experts);
// F2's law: mean 0, covariance variance * G G', the rows of G centred where changes are.
ChangeLaw isotropic_law(const LayerDecisions& decisions, double variance);

// A bank of `rows` normal changes for each law: mean + V sqrt(D) n, covariance = V D V', negative
// eigenvalues taken as 0. n_i of row r is the normal quantile of (word + 1/2) / 2^32, Philox
// purpose 6, i = i + 2^20 fold, j = 2^31 + r, the layer's index; all laws share n.
std::array<FlipBank, 2> normal_changes(const std::array<const ChangeLaw*, 2>& laws, size_t rows,
                                       const LayerDecisions& decisions, int fold);

}  // namespace rg::experiments
