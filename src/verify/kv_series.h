// Statistics of artifacts on keys over units of held-out documents (docs/artifacts.md 16.2): an
// estimate with its replicates, and where claims about it go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/claims.h"

namespace rg::verify::kv {

inline constexpr uint32_t kUnitCounter = 4;  // `layer` of the bootstrap's counter

// None where the divisor is 0 or the quotient not finite.
std::optional<double> quotient(double numerator, double denominator);

// An estimate and its replicates; undefined where nothing is counted.
struct Series {
  std::optional<double> estimate;
  std::vector<std::optional<double>> replicates;

  std::optional<Interval> interval() const;
  std::optional<double> error() const;  // sample standard deviation of the replicates
  std::vector<double> defined() const;  // replicates
};
// Estimate and replicate by replicate; undefined where either is.
Series difference(const Series& a, const Series& b);

// The path with one more step, or two.
Claims::Path below(const Claims::Path& at, const std::string& key);
Claims::Path below(const Claims::Path& at, const std::string& key, const std::string& next);

}  // namespace rg::verify::kv
