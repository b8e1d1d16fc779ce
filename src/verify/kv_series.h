// Statistics of artifacts on keys over units of held-out documents (docs/artifacts.md 16.2): an
// estimate with its replicates, and where claims about it go.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "verify/tests.h"

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
// Units drawn with replacement, one table of draws for all columns. AR004 where that is too much
// work. Seconds are added to the judgement's.
struct UnitDraws {
  uint64_t seed;
  uint32_t replicates;
  uint64_t most_replicates;  // Options::max_replicates where the artifact asks for them
};
std::unique_ptr<Replicates> draw_units(const Case& c, const Columns& columns,
                                       const UnitDraws& draws);
// Of the sums of two columns; undefined where `numerator` is SIZE_MAX.
Series ratio(const Columns& columns, const Replicates& replicates, size_t numerator,
             size_t denominator);
// Estimate and replicate by replicate; undefined where either is.
Series difference(const Series& a, const Series& b);

// Estimate and replicate by replicate, added to a sum; undefined where either is.
void add_to(Series& sum, const Series& series);
void divide(Series& sum, double count);

// Mean of several arrays of series, added in order; a replicate is undefined if one of theirs is.
template <size_t N>
class MeanOfSeries {
 public:
  void add(const std::array<Series, N>& all) {
    if (++count_ == 1) {
      sums_ = all;
      return;
    }
    for (size_t i = 0; i < N; ++i) add_to(sums_[i], all[i]);
  }
  size_t count() const { return count_; }
  // Undefined without any.
  std::array<Series, N> mean(size_t replicates) const {
    std::array<Series, N> result = sums_;
    for (Series& series : result) {
      series.replicates.resize(replicates);
      divide(series, static_cast<double>(count_));
    }
    return result;
  }

 private:
  std::array<Series, N> sums_;
  size_t count_ = 0;
};

// The path with one more step, or two.
Claims::Path below(const Claims::Path& at, const std::string& key);
Claims::Path below(const Claims::Path& at, const std::string& key, const std::string& next);

}  // namespace rg::verify::kv
