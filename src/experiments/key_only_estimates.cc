#include "experiments/key_only_estimates.h"

#include <algorithm>

namespace rg::experiments {
namespace {

// Which two overlaps each gap is the difference of, by index into kRouterNumbers.
struct GapOf {
  size_t more, less;
};
constexpr GapOf kGapsOf[kRouterGaps] = {{6, 3}, {7, 6}, {3, 4}, {5, 3}, {3, 1}, {3, 0}};

// The entry of these features with the most cases found on the documents that choose; the first of
// equals.
const RouterPredictor* chosen_of(const RouterPredictors& predictors, const char* features) {
  const RouterPredictor* best = nullptr;
  for (const RouterPredictor& one : predictors.all) {
    if (one.features != features || !one.refused.empty()) continue;
    if (best == nullptr || one.choosing_common > best->choosing_common) best = &one;
  }
  return best;
}

std::optional<stats::Replicates> gap_of(const std::optional<stats::Replicates>& more,
                                        const std::optional<stats::Replicates>& less) {
  if (!more || !less) return std::nullopt;
  stats::Replicates out = *more;
  out.estimate -= less->estimate;
  for (size_t b = 0; b < out.values.size(); ++b) out.values[b] -= less->values[b];
  return out;
}

}  // namespace

std::vector<double> to_numbers(const std::vector<uint64_t>& counts) {
  return {counts.begin(), counts.end()};
}

RouterEstimates router_estimates(const RouterPredictors& predictors,
                                 const std::vector<double>& rows, const std::vector<double>& cases,
                                 const stats::CountTable& table) {
  RouterEstimates out;
  for (size_t i = 0; i < kRouterOverlaps; ++i) {
    const RouterPredictor* const one = chosen_of(predictors, kRouterNumbers[i]);
    if (one == nullptr) continue;
    out.chosen[i] = one->model;
    out.numbers[i] = stats::ratio_replicates(table, to_numbers(one->common), cases);
  }
  for (size_t g = 0; g < kRouterGaps; ++g) {
    out.numbers[kFirstGap + g] = gap_of(out.numbers[kGapsOf[g].more], out.numbers[kGapsOf[g].less]);
  }
  if (predictors.ceiling) {
    out.numbers[kFirstBound] = stats::ratio_replicates(table, predictors.ceiling->lower, rows);
    out.numbers[kFirstBound + 1] = stats::ratio_replicates(table, predictors.ceiling->upper, rows);
  }
  return out;
}

RouterEstimates router_mean(std::span<const RouterEstimates> parts) {
  RouterEstimates out;
  for (size_t i = 0; i < out.numbers.size(); ++i) {
    double number = 0;
    std::optional<stats::Replicates>& sum = out.numbers[i];
    for (const RouterEstimates& part : parts) {
      const std::optional<stats::Replicates>& one = part.numbers[i];
      if (!one) continue;
      number += 1;
      if (!sum) {
        sum = one;
        continue;
      }
      sum->estimate += one->estimate;
      for (size_t b = 0; b < sum->values.size(); ++b) sum->values[b] += one->values[b];
    }
    if (!sum) continue;
    sum->estimate /= number;
    for (double& value : sum->values) value /= number;
  }
  return out;
}

std::optional<stats::Interval> interval_of(const std::optional<stats::Replicates>& number) {
  if (!number) return std::nullopt;
  return stats::percentile_interval(number->values);
}

std::string_view router_outcome(const std::optional<stats::Interval>& key_gap) {
  if (!key_gap) return "INCONCLUSIVE";
  const auto [low, high] = *key_gap;
  if (-kRouterMargin < low && high < kRouterMargin) return "EQUIVALENT";
  if (low > 0) return "INFERIOR";
  return high < 0 ? "SUPERIOR" : "INCONCLUSIVE";
}

std::string_view router_place(const std::optional<stats::Interval>& overlap) {
  if (!overlap) return "undecided";
  const auto [low, high] = *overlap;
  if (high < kPublishedLeast) return "below";
  if (low > kPublishedMost) return "above";
  return low >= kPublishedLeast && high <= kPublishedMost ? "within" : "undecided";
}

std::string_view router_sentence(const RouterEstimates& estimates) {
  const std::string_view outcome = router_outcome(interval_of(estimates.numbers[kKeyGap]));
  if (outcome == "EQUIVALENT" || outcome == "SUPERIOR") return "as_good_as_residual";
  if (outcome != "INFERIOR") return "undecided";
  const std::optional<stats::Interval> over_constant = interval_of(estimates.numbers[kConstantGap]);
  return over_constant && (*over_constant)[0] > 0 ? "worse_than_residual"
                                                  : "no_better_than_constant";
}

}  // namespace rg::experiments
