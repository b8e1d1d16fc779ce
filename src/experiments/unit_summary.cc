#include "experiments/unit_summary.h"

#include <algorithm>
#include <cmath>

#include "stats/convergence.h"

namespace rg::experiments {

std::string_view difference_outcome(const std::optional<stats::Interval>& difference,
                                    Difference meaning) {
  if (!difference) return "INCONCLUSIVE";
  const auto [low, high] = *difference;
  if (-kEquivalenceMargin < low && high < kEquivalenceMargin) return "EQUIVALENT";
  if (low > 0) return meaning == Difference::gain ? "SUPERIOR" : "INFERIOR";
  if (high < 0) return meaning == Difference::gain ? "INFERIOR" : "SUPERIOR";
  return "INCONCLUSIVE";
}

std::optional<double> difference_z(const stats::Replicates& difference, std::string_view outcome,
                                   Difference meaning) {
  const double error = stats::standard_error(difference.values), m = kEquivalenceMargin;
  if (!(error > 0) || !std::isfinite(difference.estimate)) return std::nullopt;
  const double gain = meaning == Difference::gain ? difference.estimate : -difference.estimate;
  const double equivalent = std::min(m - gain, m + gain);
  if (outcome == "SUPERIOR") return gain / error;
  if (outcome == "INFERIOR") return -gain / error;
  if (outcome == "EQUIVALENT") return equivalent / error;
  return std::max({gain, -gain, equivalent}) / error;
}

std::string_view published_place(const std::optional<stats::Interval>& mean,
                                 const stats::Interval& range) {
  if (!mean) return "undecided";
  const auto [low, high] = *mean;
  if (high < range[0]) return "below";
  if (low > range[1]) return "above";
  return low >= range[0] && high <= range[1] ? "within" : "undecided";
}

Json bootstrap_json(const stats::CountTable& table, uint64_t seed) {
  return {{"B", table.replicates()},
          {"seed", seed},
          {"ci_type", "percentile"},
          {"quantile", "order_statistic"}};
}

Json replication_json(std::optional<double> z, uint32_t units, Nulls& nulls) {
  const stats::Replication found = stats::replication_of(units, z);
  const auto optional = [&](const std::optional<double>& value) {
    return value ? Json(*value)
                 : nulls.null("summary.replication", "no spread, no outcome, or out of reach");
  };
  return {{"z", optional(found.z)},
          {"replication", optional(found.replication)},
          {"n_for_90", optional(found.n_for_90)},
          {"unit", "document"}};
}

Json BlockJson::block(const stats::Replicates* replicates) const {
  if (replicates == nullptr) {
    return {{"mean", null(reasons_.absent)}, {"ci95", null(reasons_.absent)}};
  }
  return {{"mean", number(replicates->estimate, reasons_.undefined)},
          {"ci95", interval(stats::percentile_interval(replicates->values))}};
}

}  // namespace rg::experiments
