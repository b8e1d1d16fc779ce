#include "stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal975 = 1.959963984540054;

// sums[b] += counts[b] * value. Lanes don't mix, so every width gives the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
__attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#endif
void accumulate(const float* __restrict counts, double value, double* __restrict sums, size_t n) {
  for (size_t b = 0; b < n; ++b) sums[b] += static_cast<double>(counts[b]) * value;
}

std::vector<double> weighted_sums(const CountTable& table, std::span<const double> values) {
  std::vector<double> sums(table.replicates(), 0.0);
  for (size_t unit = 0; unit < values.size(); ++unit) {
    if (!std::isnan(values[unit])) {
      accumulate(table.of_unit(unit).data(), values[unit], sums.data(), sums.size());
    }
  }
  return sums;
}

std::vector<double> divide(std::vector<double> over, const std::vector<double>& under) {
  for (size_t b = 0; b < over.size(); ++b) over[b] = under[b] == 0 ? kNaN : over[b] / under[b];
  return over;
}

std::vector<double> defined_ascending(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted),
               [](double value) { return !std::isnan(value); });
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// 1 where defined, so that its weighted sums count the drawn windows that are defined.
std::vector<double> definedness(std::span<const double> values) {
  std::vector<double> ones(values.size());
  std::transform(values.begin(), values.end(), ones.begin(),
                 [](double value) { return std::isnan(value) ? 0.0 : 1.0; });
  return ones;
}

std::vector<double> drawn_defined(const CountTable& table, std::span<const double> values) {
  if (std::none_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return std::vector<double>(table.replicates(), static_cast<double>(table.units()));
  }
  return weighted_sums(table, definedness(values));
}

struct Moments {
  double count = 0, mean = kNaN, squares = 0, cubes = 0;  // sums of powers of deviations
};

Moments moments(std::span<const double> values, double mean) {
  Moments m{.mean = mean};
  for (const double value : values) {
    if (std::isnan(value)) continue;
    const double d = value - mean;
    m.count += 1;
    m.squares += d * d;
    m.cubes += d * d * d;
  }
  return m;
}

size_t count_defined(std::span<const double> values) {
  return static_cast<size_t>(
      std::count_if(values.begin(), values.end(), [](double v) { return !std::isnan(v); }));
}

}  // namespace

CountTable::CountTable(size_t units, uint32_t replicates, uint64_t seed, uint32_t layer)
    : units_(units), replicates_(replicates), counts_(units * replicates, 0.0f) {
  if (units == 0) return;
  for (uint32_t j = 0; j < replicates; ++j) {
    for (uint32_t i = 0; i < units; ++i) {
      const uint32_t unit =
          draw_below(static_cast<uint32_t>(units), seed, Purpose::bootstrap, {i, j, layer});
      counts_[size_t{unit} * replicates_ + j] += 1.0f;
    }
  }
}

Replicates mean_replicates(const CountTable& table, std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::isnan(value) ? 0.0 : value;
  const size_t defined = count_defined(values);
  return {defined == 0 ? kNaN : sum / static_cast<double>(defined),
          divide(weighted_sums(table, values), drawn_defined(table, values))};
}

Replicates ratio_replicates(const CountTable& table, std::span<const double> over,
                            std::span<const double> under) {
  std::vector<double> above(over.begin(), over.end()), below(under.begin(), under.end());
  double sum_above = 0, sum_below = 0;
  for (size_t w = 0; w < above.size(); ++w) {
    if (std::isnan(above[w]) || std::isnan(below[w])) {
      above[w] = below[w] = kNaN;
    } else {
      sum_above += above[w];
      sum_below += below[w];
    }
  }
  return {sum_below == 0 ? kNaN : sum_above / sum_below,
          divide(weighted_sums(table, above), weighted_sums(table, below))};
}

std::optional<Interval> percentile_interval(std::span<const double> replicates) {
  const std::vector<double> sorted = defined_ascending(replicates);
  if (sorted.empty()) return std::nullopt;
  const std::span<const double> ascending(sorted);
  return Interval{quantile(ascending, kLowerEnd), quantile(ascending, kUpperEnd)};
}

double standard_error(std::span<const double> replicates) {
  const size_t defined = count_defined(replicates);
  if (defined < 2) return kNaN;
  double sum = 0;
  for (const double value : replicates) sum += std::isnan(value) ? 0.0 : value;
  const double mean = sum / static_cast<double>(defined);
  return std::sqrt(moments(replicates, mean).squares / static_cast<double>(defined - 1));
}

double share_below(std::span<const double> replicates, double threshold) {
  const size_t defined = count_defined(replicates);
  if (defined == 0) return kNaN;
  const auto below = std::count_if(replicates.begin(), replicates.end(),
                                   [&](double value) { return value < threshold; });
  return static_cast<double>(below) / static_cast<double>(defined);
}

bool interval_below(std::span<const double> replicates, double threshold) {
  const size_t defined = count_defined(replicates);
  const auto below = static_cast<size_t>(std::count_if(
      replicates.begin(), replicates.end(), [&](double value) { return value < threshold; }));
  return defined > 0 && below >= quantile_rank(kUpperEnd, defined);
}

bool interval_above(std::span<const double> replicates, double threshold) {
  const size_t defined = count_defined(replicates);
  const auto at_or_below = static_cast<size_t>(std::count_if(
      replicates.begin(), replicates.end(), [&](double value) { return value <= threshold; }));
  return defined > 0 && at_or_below < quantile_rank(kLowerEnd, defined);
}

std::optional<Interval> bca_interval(std::span<const double> values, const Replicates& means) {
  const std::vector<double> sorted = defined_ascending(means.values);
  if (sorted.empty()) return std::nullopt;
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), means.estimate);
  const auto above = std::upper_bound(below, sorted.end(), means.estimate);
  const double share =
      (static_cast<double>(below - sorted.begin()) + static_cast<double>(above - below) / 2) /
      static_cast<double>(sorted.size());
  if (share <= 0 || share >= 1) return std::nullopt;
  const Moments m = moments(values, means.estimate);
  const double acceleration =
      m.squares == 0 ? 0.0 : m.cubes / (6 * (m.squares * std::sqrt(m.squares)));
  const double z0 = normal_quantile(share);
  const auto end = [&](double z) {
    const double at = z0 + (z0 + z) / (1 - acceleration * (z0 + z));
    const double rank = std::ceil(normal_cdf(at) * static_cast<double>(sorted.size()));
    return sorted[static_cast<size_t>(std::clamp(rank, 1.0, static_cast<double>(sorted.size()))) -
                  1];
  };
  return Interval{end(-kNormal975), end(kNormal975)};
}

namespace {

constexpr double kEqualDraws = 1e-6;  // of the spread around the estimate

// Of the defined ones. What is left of their spread around a mean would be rounding.
bool all_equal(std::span<const double> values) {
  double first = NAN;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    if (std::isnan(first)) first = value;
    if (value != first) return false;
  }
  return true;
}

}  // namespace

std::optional<Interval> studentised_interval(const CountTable& table,
                                             std::span<const double> values,
                                             const Replicates& means) {
  const Moments m = moments(values, means.estimate);
  if (m.count < 2 || all_equal(values)) return std::nullopt;
  // sum c (x - v)^2 = sum c y^2 - m* (v - est)^2 with y = x - est: no large numbers cancel.
  std::vector<double> squares(values.size());
  for (size_t w = 0; w < values.size(); ++w) {
    const double d = values[w] - means.estimate;
    squares[w] = d * d;
  }
  const std::vector<double> sums = weighted_sums(table, squares);
  const std::vector<double> drawn = drawn_defined(table, values);
  std::vector<double> pivots;
  for (size_t b = 0; b < sums.size(); ++b) {
    if (drawn[b] < 2) continue;
    const double shift = means.values[b] - means.estimate;
    const double spread = sums[b] - drawn[b] * shift * shift;
    // The draws are nearly equal: what is left of the spread is mostly rounding.
    if (spread <= kEqualDraws * sums[b]) continue;
    pivots.push_back(shift / std::sqrt(spread / (drawn[b] - 1) / drawn[b]));
  }
  const auto ends = percentile_interval(pivots);
  if (!ends) return std::nullopt;
  const double se = std::sqrt(m.squares / (m.count - 1) / m.count);
  return Interval{means.estimate - (*ends)[1] * se, means.estimate - (*ends)[0] * se};
}

Documents::Documents(std::span<const uint32_t> document_of_window, uint32_t replicates,
                     uint64_t seed) {
  std::unordered_map<uint32_t, uint32_t> number;
  for (const uint32_t document : document_of_window) {
    const auto next = static_cast<uint32_t>(number.size());
    of_window_.push_back(number.try_emplace(document, next).first->second);
  }
  count_ = number.size();
  if (count_ >= 2 && count_ < of_window_.size()) table_.emplace(count_, replicates, seed, 1u);
}

std::optional<Interval> Documents::interval_of_mean(std::span<const double> values) const {
  if (!table_) return std::nullopt;
  std::vector<double> sums(count_, 0.0), sizes(count_, 0.0);
  for (size_t w = 0; w < values.size(); ++w) {
    if (std::isnan(values[w])) continue;
    sums[of_window_[w]] += values[w];
    sizes[of_window_[w]] += 1;
  }
  return percentile_interval(ratio_replicates(*table_, sums, sizes).values);
}

}  // namespace rg::stats
