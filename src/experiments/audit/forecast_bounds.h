// Bounds of the probability that a decision flips when its logits change by a normal law, from the
// pairs of experts: P_ij that j, outside the set, passes i, in the set. For gates that rank by
// logits: no groups, no selection bias. Definitions: docs/artifacts.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "experiments/audit/change_law.h"

namespace rg::experiments {

// stats::normal_cdf, and as exact (5e-15), from a table: for calls by the million. 0 for NaN.
double tabled_normal_cdf(double x) noexcept;

class PassBounds {
 public:
  PassBounds(const ChangeLaw& law, uint32_t experts);

  // P_ij = Phi(-(z_i - z_j - mu_j + mu_i) / sqrt(S_ii + S_jj - 2 S_ij)). Where the difference of
  // two changes doesn't vary, 1 if the mean brings j before i, else 0.
  double pass(std::span<const float> logits, size_t i, size_t j) const noexcept;

  struct Bounds {
    double lower, upper, pair;  // max P_ij, min(1, sum P_ij), P of (e_k, e_{k+1})
  };
  // logits (E), finite; ranked (k+1): ids in rank order. Needs scratch for E numbers.
  Bounds of(std::span<const float> logits, std::span<const int32_t> ranked,
            std::vector<double>& scratch) const;

 private:
  size_t experts_;
  std::vector<double> mean_;
  std::vector<double> precision_;  // (E,E) 1 / sqrt(S_ii + S_jj - 2 S_ij); infinity for 1 / 0
};

}  // namespace rg::experiments
