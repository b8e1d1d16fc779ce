#include "experiments/key_only_estimates.h"

#include "experiments/unit_summary.h"
#include "stats/replicates.h"

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
  return stats::difference(*more, *less);
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
    std::vector<const stats::Replicates*> defined;
    for (const RouterEstimates& part : parts) {
      if (part.numbers[i]) defined.push_back(&*part.numbers[i]);
    }
    if (!defined.empty()) out.numbers[i] = stats::mean_of(defined);
  }
  return out;
}

std::optional<stats::Interval> interval_of(const std::optional<stats::Replicates>& number) {
  if (!number) return std::nullopt;
  return stats::percentile_interval(number->values);
}

std::string_view router_outcome(const std::optional<stats::Interval>& key_gap) {
  return difference_outcome(key_gap, Difference::loss);
}

std::string_view router_place(const std::optional<stats::Interval>& overlap) {
  return published_place(overlap, {kPublishedLeast, kPublishedMost});
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
