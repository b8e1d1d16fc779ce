// Estimates of kv_gauge with their replicates over units of held-out documents: of a head, and
// means of them.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "experiments/kv_gauge_head.h"
#include "stats/bootstrap.h"

namespace rg::experiments {

inline constexpr uint32_t kUnitDraws = 4;  // layer of the bootstrap's counter
inline constexpr double kPublishedLow = 0.919, kPublishedHigh = 0.965;

struct KvEstimates {
  stats::Replicates learned, random, advantage, noise_advantage, excess, centred[3];
};

// None where no gauge was learned or no held-out key has a direction.
std::optional<KvEstimates> kv_estimates(const KvHead& head, const stats::CountTable& table);
// Estimates and replicates averaged; none of none.
std::optional<KvEstimates> kv_mean(std::span<const KvEstimates* const> parts);

// "EQUIVALENT", "SUPERIOR", "INFERIOR", "INCONCLUSIVE": of a difference, against 0 and the margin.
std::string_view kv_outcome(const std::optional<stats::Interval>& interval);
// "below", "within", "above", "undecided": of a mean cosine, against the published range.
std::string_view kv_place(const std::optional<stats::Interval>& interval);
// Which of the two published sentences: "no_advantage", "learned_rotations", "smaller_advantage",
// "undecided".
std::string_view kv_sentence(const KvEstimates& estimates);

}  // namespace rg::experiments
