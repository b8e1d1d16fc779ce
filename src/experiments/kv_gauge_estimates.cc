#include "experiments/kv_gauge_estimates.h"

#include <algorithm>

#include "experiments/record.h"
#include "experiments/unit_summary.h"
#include "stats/replicates.h"

namespace rg::experiments {
namespace {

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

stats::Replicates nothing(const stats::CountTable& table) {
  return {kNaN, std::vector<double>(table.replicates(), kNaN)};
}

// Per unit the mean over the random gauges of their sums of cosines.
std::vector<double> random_cosines(const KvHead& head) {
  std::vector<double> out(head.nonzero.size(), 0);
  double number = 0;
  for (const KvGauge& gauge : head.gauges) {
    if (!gauge.random() || !gauge.usable()) continue;
    for (size_t unit = 0; unit < out.size(); ++unit) out[unit] += gauge.cosines[unit];
    number += 1;
  }
  for (double& sum : out) sum /= number;
  return out;
}

}  // namespace

std::optional<KvEstimates> kv_estimates(const KvHead& head, const stats::CountTable& table) {
  const bool has_keys =
      std::any_of(head.nonzero.begin(), head.nonzero.end(), [](double count) { return count > 0; });
  if (!has_keys || !head.learned().usable() || !head.noise) return std::nullopt;
  const std::vector<double>& learned = head.learned().cosines;
  const std::vector<double> random = random_cosines(head);
  const auto ratio = [&](const std::vector<double>& over, const std::vector<double>& under) {
    return stats::ratio_replicates(table, over, under);
  };
  const KvNoise& noise = *head.noise;
  KvEstimates out{
      .learned = ratio(learned, head.nonzero),
      .random = ratio(random, head.nonzero),
      .advantage = ratio(differences(learned, random), head.nonzero),
      .noise_advantage = ratio(differences(noise.cosines, noise.random_cosines), noise.nonzero),
      .excess = {},
      .centred = {}};
  out.excess = stats::difference(out.advantage, out.noise_advantage);
  for (size_t i = 0; i < std::size(kCentrings); ++i) {
    const std::optional<KvCentred>& one = head.centred[i];
    out.centred[i] = one ? ratio(one->cosines, one->nonzero) : nothing(table);
  }
  return out;
}

std::optional<KvEstimates> kv_mean(std::span<const KvEstimates* const> parts) {
  if (parts.empty()) return std::nullopt;
  std::vector<const stats::Replicates*> members(parts.size());
  const auto mean = [&](const auto& member) {
    for (size_t i = 0; i < parts.size(); ++i) members[i] = &member(*parts[i]);
    return stats::mean_of(members);
  };
  const auto of = [&](stats::Replicates KvEstimates::*member) {
    return mean([&](const KvEstimates& part) -> const auto& { return part.*member; });
  };
  KvEstimates out{.learned = of(&KvEstimates::learned),
                  .random = of(&KvEstimates::random),
                  .advantage = of(&KvEstimates::advantage),
                  .noise_advantage = of(&KvEstimates::noise_advantage),
                  .excess = of(&KvEstimates::excess),
                  .centred = {}};
  for (size_t i = 0; i < std::size(out.centred); ++i) {
    out.centred[i] = mean([&](const KvEstimates& part) -> const auto& { return part.centred[i]; });
  }
  return out;
}

std::string_view kv_outcome(const std::optional<stats::Interval>& interval) {
  return difference_outcome(interval, Difference::gain);
}

std::string_view kv_place(const std::optional<stats::Interval>& interval) {
  return published_place(interval, {kPublishedLow, kPublishedHigh});
}

std::string_view kv_sentence(const KvEstimates& estimates) {
  const std::string_view outcome =
      kv_outcome(stats::percentile_interval(estimates.advantage.values));
  if (outcome == "EQUIVALENT" || outcome == "INFERIOR") return "no_advantage";
  if (outcome != "SUPERIOR") return "undecided";
  size_t below = 0;
  for (const stats::Replicates& centred : estimates.centred) {
    const std::string_view place = kv_place(stats::percentile_interval(centred.values));
    if (place == "within" || place == "above") return "learned_rotations";
    below += place == "below";
  }
  return below == std::size(estimates.centred) ? "smaller_advantage" : "undecided";
}

}  // namespace rg::experiments
