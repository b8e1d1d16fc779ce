// Per-window values of chart_compatibility and their reduction to the artifact's fields
// (docs/artifacts.md, 3).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "experiments/common.h"
#include "experiments/redundancy.h"

namespace rg::experiments {

enum class ChartStratum {
  boundary,
  interior,
  boundary_random,
  interior_random,
  boundary_unselected,
  interior_unselected,
  interior_high,
};
inline constexpr size_t kChartStrata = 7;

struct StratumValues {
  WindowValues kappa_hidden_median, kappa_target_median, jump_hidden_median, kappa_hidden_mean,
      cos_mean, log_r_mean, kappa_orth_mean;
  WindowCounts tokens;
};

// All values kept. Each window is written by one thread.
struct ChartRecord : Record {
  ChartRecord(size_t layers, size_t windows, uint32_t draws);

  // Medians and means of one stratum of one window; nothing if it has no member.
  void add_stratum(ChartStratum stratum, size_t layer, size_t window,
                   std::span<const Redundancy> members);
  // Expected median of a random subset of `boundary` members of the interior.
  void add_matched(size_t layer, size_t window, std::span<const Redundancy> interior,
                   size_t boundary);
  const StratumValues& of(ChartStratum stratum) const {
    return strata[static_cast<size_t>(stratum)];
  }

  std::array<StratumValues, kChartStrata> strata;
  WindowValues matched, matched_target, exact_mean;
  // Means over the defined positions of m_set and of the margin in logits; Quantile_0.10 of m_set.
  WindowValues margin_mean, logit_margin_mean, threshold;
  uint32_t draws;
  // For more than one draw, the random and the unselected partner at the boundary: mean over the
  // draws of each draw's median of kappa_hidden.
  std::array<WindowValues, 2> drawn;
  std::vector<int32_t> exact_position;  // (layers, windows); -1: none
  WindowCounts undefined, overlapping;
};

// Adds per_window, summary and null_reasons.
void reduce_chart(const ChartRecord& record, const Setting& setting,
                  const std::vector<int>& required_layers, Json& fields);

}  // namespace rg::experiments
