// What varies in an adaptation are runs: intervals by drawing runs of both recipes with
// replacement, and how far the conditions are from their thresholds in standard errors over runs.
// docs/artifacts.md, section 12.
#pragma once

#include <optional>
#include <vector>

#include "stats/bootstrap.h"

namespace rg::experiments {

// Means over windows, nats, one per run of a recipe; NaN where no window defines one.
struct RunMeans {
  std::vector<double> drift, forgetting;
};

struct RunIntervals {
  std::optional<stats::Interval> drift, forgetting;              // of the tuned runs' means
  std::optional<stats::Interval> drift_delta, forgetting_delta;  // comparison's mean less theirs
};

// The tables draw runs: one of the tuned, one of the comparison's. Values that aren't all defined
// have no interval.
RunIntervals intervals_over_runs(const stats::CountTable& tuned_table,
                                 const stats::CountTable& compared_table, const RunMeans& tuned,
                                 const RunMeans& compared);

// Largest means over runs, nats.
struct LargestMeans {
  double drift, forgetting;
};

// Smallest distance / standard error of the four conditions; none where an error is 0 or undefined.
std::optional<double> smallest_z_over_runs(const LargestMeans& largest, const RunMeans& tuned,
                                           const RunMeans& compared, const stats::Replicates& rho);

}  // namespace rg::experiments
