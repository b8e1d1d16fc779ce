// Estimates of key_only_router with their replicates over units of test documents: of a layer, and
// means of layers.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/key_only_predictors.h"
#include "stats/bootstrap.h"

namespace rg::experiments {

inline constexpr uint32_t kRouterUnitDraws = 6;  // layer of the bootstrap's counter
inline constexpr double kSoundOverlap = 0.95;    // of the router's own input
inline constexpr double kPublishedLeast = 0.93, kPublishedMost = 0.976;  // arXiv 2511.10676

// Overlaps by features, then gaps between two of them, then the ceiling of the keys.
inline constexpr const char* kRouterNumbers[] = {
    "none",      "token",        "previous", "keys",          "signs",       "keys_values",
    "residual",  "gate_input",   "key_gap",  "attention_gap", "one_bit_gap", "value_gap",
    "token_gap", "constant_gap", "lower",    "upper"};
inline constexpr size_t kRouterOverlaps = 8, kRouterGaps = 6;
inline constexpr size_t kFirstGap = kRouterOverlaps, kFirstBound = kFirstGap + kRouterGaps;
inline constexpr size_t kResidualOverlap = 6, kKeyGap = kFirstGap, kAttentionGap = kFirstGap + 1,
                        kConstantGap = kFirstGap + 5;

struct RouterEstimates {
  std::array<std::optional<stats::Replicates>, std::size(kRouterNumbers)> numbers;
  // The model whose overlap counts, by features; empty: all are refused.
  std::array<std::string, kRouterOverlaps> chosen;
};

// Cases of the units' rows: k times their number.
RouterEstimates router_estimates(const RouterPredictors& predictors,
                                 const std::vector<double>& rows, const std::vector<double>& cases,
                                 const stats::CountTable& table);
// Of every number the mean over the parts where it is defined; chosen stays empty.
RouterEstimates router_mean(std::span<const RouterEstimates> parts);

std::optional<stats::Interval> interval_of(const std::optional<stats::Replicates>& number);
// "EQUIVALENT", "INFERIOR", "SUPERIOR", "INCONCLUSIVE": keys against the residual.
std::string_view router_outcome(const std::optional<stats::Interval>& key_gap);
// "below", "within", "above", "undecided": against the published range.
std::string_view router_place(const std::optional<stats::Interval>& overlap);
// "as_good_as_residual", "worse_than_residual", "no_better_than_constant", "undecided".
std::string_view router_sentence(const RouterEstimates& estimates);

std::vector<double> to_numbers(const std::vector<uint64_t>& counts);

}  // namespace rg::experiments
