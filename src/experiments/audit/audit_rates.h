// The rates of an audit's summary: sums over windows of what its record counts, of one layer or of
// all together, as ratios with their bootstrap intervals.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/audit/audit.h"

namespace rg::experiments {

// {"rate", "ci95"} of sum(over) / sum(under); null with a reason where that is 0.
Json rate_block(std::span<const double> over, std::span<const double> under,
                const Statistician& statistician, Nulls& nulls, const std::string& path);
// Counts as numbers, (windows).
std::vector<double> as_numbers(std::span<const uint32_t> counts);
// over[w] / under, (windows).
std::vector<double> times(std::span<const double> values, double factor);

// One layer's counts by window, or the sums of several layers'.
class AuditSums {
 public:
  AuditSums(const AuditResults& results, size_t slot);
  void add(const AuditSums& other);

  std::span<const double> of(AuditCount count) const { return counts_[static_cast<size_t>(count)]; }
  std::span<const double> decisions() const { return decisions_; }
  // Everything that the summary says of a layer and of all layers alike.
  Json json(const Statistician& statistician, Nulls& nulls, const std::string& path) const;

 private:
  Json guaranteed_json(const Statistician& statistician, Nulls& nulls,
                       const std::string& path) const;
  Json bounds_json(const Statistician& statistician, Nulls& nulls, const std::string& path) const;
  Json floor_json(const Statistician& statistician, Nulls& nulls, const std::string& path) const;
  // The parts of the total that the gate's and the input's change have, in experts.
  std::vector<double> phi(AuditCount own, AuditCount other) const;
  std::vector<double> places() const { return times(decisions_, top_k_); }  // k x decisions

  double top_k_;
  bool gates_equal_;
  std::array<std::vector<double>, static_cast<size_t>(AuditCount::kinds)> counts_;
  std::vector<double> decisions_, depth_sum_;
  std::optional<ForecastBounds> bounds_;
  struct PassFloor {
    std::vector<double> decisions, flips, mass;
  };
  std::optional<PassFloor> pass_floor_;
};

}  // namespace rg::experiments
