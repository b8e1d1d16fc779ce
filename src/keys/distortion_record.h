// Distortions of one head under one code over many queries, and what is reported of them, all in
// shares of the values' spread Omega, so that heads and layers can be added up. Memory is bounded
// by the number of queries, which is known before the first: every query has a slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "keys/attention_distortion.h"

namespace rg::keys {

// Sums over cases: slots that were set and aren't trivial.
struct DistortionSums {
  uint64_t cases = 0, trivial = 0;  // trivial ones enter nothing else
  double error = 0, forecast = 0;   // M / Omega, F / Omega; then their product and F's square
  double product = 0, forecast_squares = 0;
  double variation = 0, divergence = 0;
  double score_squares = 0, isotropic_squares = 0;  // of score_error, isotropic_error
  std::array<uint64_t, kBounds> vacuous = {};

  void add(const DistortionSums& other);
};

// NaN: no case defines it.
struct BoundSummary {
  double median_tightness, p95_tightness;  // of M / B, at most 1, over cases with a bound above 0
  double largest_excess;                   // of (M - B) / (Omega + e): above rounding, a bug
};

// Cases by forecast, ascending, cut into ten of sizes that differ by at most one.
struct ForecastDecile {
  uint64_t cases;
  double forecast, error;  // sums, in shares
};

// Order statistics over cases, NaN without any. Quantiles are order statistics, the median of an
// even number the mean of the middle two (stats/order.h).
struct DistortionSummary {
  double median_error, p95_error, largest_error;  // of M / Omega
  double median_relative_error;                   // over the cases that have one
  std::array<BoundSummary, kBounds> bounds;
  double rank_correlation;  // Spearman's, of forecast and error, in [-1, 1]
  std::array<ForecastDecile, 10> deciles;
};

class DistortionRecord {
 public:
  explicit DistortionRecord(size_t slots) : cases_(slots) {}

  static constexpr uint64_t bytes(size_t slots) { return slots * sizeof(Case); }
  // Distinct slots may be set concurrently; a slot at most once.
  void set(size_t slot, const Distortion& distortion);
  // Sums in the order of slots, so that nothing depends on the order of set().
  DistortionSums sums(size_t begin, size_t end) const;  // of the set ones of these slots
  DistortionSummary summary() const;

 private:
  struct Case {
    double error, forecast;  // shares
    double relative_error;   // NaN if there is none
    double variation, divergence, score_squares, isotropic_squares;
    std::array<double, kBounds> tightness, excess;  // tightness: NaN for a bound of 0
    std::array<bool, kBounds> vacuous;
    bool set = false, trivial = false;
  };
  using Cases = std::vector<const Case*>;
  static Case case_of(const Distortion& distortion);
  static BoundSummary summary_of(const Cases& cases, size_t bound);
  static void add_calibration(const Cases& cases, DistortionSummary& out);

  std::vector<Case> cases_;
};

}  // namespace rg::keys
