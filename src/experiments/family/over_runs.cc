#include "experiments/family/over_runs.h"

#include <array>
#include <cmath>
#include <span>

#include "stats/convergence.h"
#include "stats/order.h"

namespace rg::experiments {
namespace {

std::optional<stats::Interval> interval_of_runs(const stats::CountTable& table,
                                                std::span<const double> values) {
  if (std::isnan(stats::mean(values))) return std::nullopt;
  return stats::percentile_interval(stats::mean_replicates(table, values).values);
}

// Replicate by replicate: the comparison's mean less that of the tuned runs.
std::optional<stats::Interval> interval_of_delta(const stats::CountTable& tuned_table,
                                                 const stats::CountTable& compared_table,
                                                 std::span<const double> tuned,
                                                 std::span<const double> compared) {
  if (std::isnan(stats::mean(tuned)) || std::isnan(stats::mean(compared))) return std::nullopt;
  const std::vector<double> own = stats::mean_replicates(tuned_table, tuned).values;
  std::vector<double> delta = stats::mean_replicates(compared_table, compared).values;
  for (size_t b = 0; b < delta.size(); ++b) delta[b] -= own[b];
  return stats::percentile_interval(delta);
}

// Sample variance of the runs over their number: of their mean.
double variance_of_mean(std::span<const double> runs) {
  const double deviation = stats::standard_error(runs);
  return deviation * deviation / static_cast<double>(runs.size());
}

stats::Criterion bound_criterion(double largest, std::span<const double> tuned) {
  return {.distance = largest - stats::mean(tuned),
          .standard_error = std::sqrt(variance_of_mean(tuned))};
}

// A single run of the comparison doesn't show how such runs vary: its mean counts as exact.
stats::Criterion delta_criterion(std::span<const double> tuned, std::span<const double> compared) {
  const double other = compared.size() > 1 ? variance_of_mean(compared) : 0.0;
  return {.distance = stats::mean(compared) - stats::mean(tuned),
          .standard_error = std::sqrt(variance_of_mean(tuned) + other)};
}

}  // namespace

RunIntervals intervals_over_runs(const stats::CountTable& tuned_table,
                                 const stats::CountTable& compared_table, const RunMeans& tuned,
                                 const RunMeans& compared) {
  return {
      .drift = interval_of_runs(tuned_table, tuned.drift),
      .forgetting = interval_of_runs(tuned_table, tuned.forgetting),
      .drift_delta = interval_of_delta(tuned_table, compared_table, tuned.drift, compared.drift),
      .forgetting_delta =
          interval_of_delta(tuned_table, compared_table, tuned.forgetting, compared.forgetting)};
}

std::optional<double> smallest_z_over_runs(const LargestMeans& largest, const RunMeans& tuned,
                                           const RunMeans& compared, const stats::Replicates& rho) {
  const std::array<stats::Criterion, 5> criteria = {{
      bound_criterion(largest.drift, tuned.drift),
      bound_criterion(largest.forgetting, tuned.forgetting),
      {.distance = rho.estimate, .standard_error = stats::standard_error(rho.values)},
      delta_criterion(tuned.drift, compared.drift),
      delta_criterion(tuned.forgetting, compared.forgetting),
  }};
  return stats::smallest_z(criteria);
}

}  // namespace rg::experiments
