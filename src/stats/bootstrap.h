// The window bootstrap: windows drawn with replacement, one table of counts for every statistic of
// an artifact, percentile intervals by order statistics, and the other reported intervals.
// Values are per window; NaN marks an undefined window, in replicates an undefined replicate.
// Definitions: docs/artifacts.md, section 1.1. All sums are fp64 in window order, so a replicate's
// bits depend only on table and values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/order.h"

namespace rg::stats {

using Interval = std::array<double, 2>;

// How often each of n units is drawn in each of B replicates of n draws.
class CountTable {
 public:
  // Draw i of replicate j: Philox purpose 1, counter (i, j, `layer`). layer 0 draws windows, layer
  // 1 documents.
  CountTable(size_t units, uint32_t replicates, uint64_t seed, uint32_t layer);

  size_t units() const noexcept { return units_; }
  size_t replicates() const noexcept { return replicates_; }
  // Counts of one unit over all replicates.
  std::span<const float> of_unit(size_t unit) const noexcept {
    return {counts_.data() + unit * replicates_, replicates_};
  }

 private:
  size_t units_, replicates_;
  std::vector<float> counts_;  // (units, replicates); small integers
};

struct Replicates {
  double estimate;             // NaN if no window is defined
  std::vector<double> values;  // (B)
};

Replicates mean_replicates(const CountTable& table, std::span<const double> values);
// sum(over) / sum(under) over windows where both are defined.
Replicates ratio_replicates(const CountTable& table, std::span<const double> over,
                            std::span<const double> under);

// None if no replicate is defined.
std::optional<Interval> percentile_interval(std::span<const double> replicates);
double standard_error(std::span<const double> replicates);  // sample sd; NaN below two
// Share of the defined replicates below (above) a threshold, strictly; NaN if none is defined.
double share_below(std::span<const double> replicates, double threshold);
// Compare the ends of the percentile interval with a threshold, without sorting.
bool interval_below(std::span<const double> replicates, double threshold);  // upper end < it
bool interval_above(std::span<const double> replicates, double threshold);  // lower end > it

// Bias-corrected and accelerated (Efron 1987), of a mean.
std::optional<Interval> bca_interval(std::span<const double> values, const Replicates& means);
// Studentised (bootstrap-t), of a mean; none if all values are equal.
std::optional<Interval> studentised_interval(const CountTable& table,
                                             std::span<const double> values,
                                             const Replicates& means);

// Which document each window came from, numbered by first window; the table that draws documents.
class Documents {
 public:
  Documents(std::span<const uint32_t> document_of_window, uint32_t replicates, uint64_t seed);
  size_t count() const noexcept { return count_; }
  // True if at least two documents occur and some document gave two windows.
  bool informative() const noexcept { return table_.has_value(); }
  std::optional<Interval> interval_of_mean(std::span<const double> values) const;
  std::span<const uint32_t> of_window() const noexcept { return of_window_; }

 private:
  std::vector<uint32_t> of_window_;
  size_t count_ = 0;
  std::optional<CountTable> table_;
};

}  // namespace rg::stats
