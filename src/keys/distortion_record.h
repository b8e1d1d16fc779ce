// Distortions of one head under one code over many queries, and what is reported of them. Memory is
// bounded by the number of queries, which is known before the first: every query has a slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "keys/attention_distortion.h"

namespace rg::keys {

// NaN: no case defines it.
struct BoundSummary {
  double median_tightness, p95_tightness;  // of error / bound, over cases with a bound above 0
  double vacuous;                          // share of cases
  double largest_excess;  // of error - bound, over the values' spread: above rounding, a bug
};

// Cases by forecast, ascending, cut into ten of sizes that differ by at most one.
struct ForecastDecile {
  size_t cases;
  double mean_forecast, mean_error;
  double ratio;  // of the two means, error over forecast; NaN if the forecasts are 0
};

// Everything but the first two numbers is over the cases that aren't trivial, NaN without any.
// Quantiles are order statistics, the median of an even number the mean of the middle two
// (stats/order.h).
struct DistortionSummary {
  size_t cases = 0;                // slots that were set
  size_t trivial = 0;              // of these, the query sees values that are all equal
  double median_error, p95_error;  // as shares of the values' spread, M / Omega
  double median_relative_error;    // over the cases that have one
  double mean_variation, mean_divergence;
  std::array<BoundSummary, kBounds> bounds;
  double rank_correlation;  // Spearman's, of forecast and error
  // Of error on forecast, through the origin, by least squares: sum M F / sum F^2. 1: calibrated.
  double slope;
  std::array<ForecastDecile, 10> deciles;
  // Root mean squares over cases: equal if key errors have no preferred direction, AD-4 (c).
  double score_error, isotropic_error;
};

// Of some cases, to be added up over heads: shares and counts alone, no scale of values.
struct DistortionSums {
  double cases = 0;  // that aren't trivial; only they count below
  double trivial = 0;
  double error = 0;  // M / Omega
  double variation = 0, divergence = 0;
  std::array<double, kBounds> vacuous = {};

  void add(const DistortionSums& other);
};

class DistortionRecord {
 public:
  explicit DistortionRecord(size_t slots) : cases_(slots) {}

  static constexpr uint64_t bytes(size_t slots) { return slots * sizeof(Case); }
  // Distinct slots may be set concurrently; a slot at most once.
  void set(size_t slot, const Distortion& distortion);
  // Sums in the order of slots, so that nothing depends on the order of set().
  DistortionSummary summary() const;
  DistortionSums sums(size_t begin, size_t end) const;  // of the set ones of these slots

 private:
  struct Case {
    double error, value_spread, relative_error;  // relative_error: NaN if there is none
    double variation, divergence, forecast;
    double score_error, isotropic_error;
    std::array<double, kBounds> bounds;
    bool set = false;
    bool vacuous(size_t bound) const { return bounds[bound] >= value_spread; }
  };
  using Cases = std::vector<const Case*>;
  static void add_means(const Cases& cases, DistortionSummary& out);
  static void add_quantiles(const Cases& cases, DistortionSummary& out);
  static void add_calibration(const Cases& cases, DistortionSummary& out);

  std::vector<Case> cases_;
};

}  // namespace rg::keys
