#include "experiments/kv_gauge_estimates.h"

#include <algorithm>
#include <cmath>

#include "experiments/record.h"

namespace rg::experiments {
namespace {

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

stats::Replicates replicate_difference(const stats::Replicates& a, const stats::Replicates& b) {
  return {a.estimate - b.estimate, differences(a.values, b.values)};
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

stats::Replicates mean_of_parts(std::span<const KvEstimates* const> parts,
                                const stats::Replicates& (*part)(const KvEstimates&)) {
  stats::Replicates out = part(*parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    const stats::Replicates& more = part(*parts[i]);
    out.estimate += more.estimate;
    for (size_t b = 0; b < out.values.size(); ++b) out.values[b] += more.values[b];
  }
  const auto number = static_cast<double>(parts.size());
  out.estimate /= number;
  for (double& value : out.values) value /= number;
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
  out.excess = replicate_difference(out.advantage, out.noise_advantage);
  for (size_t i = 0; i < std::size(kCentrings); ++i) {
    const std::optional<KvCentred>& one = head.centred[i];
    out.centred[i] = one ? ratio(one->cosines, one->nonzero) : nothing(table);
  }
  return out;
}

std::optional<KvEstimates> kv_mean(std::span<const KvEstimates* const> parts) {
  if (parts.empty()) return std::nullopt;
  using Part = const stats::Replicates& (*)(const KvEstimates&);
  const auto mean = [&](Part part) { return mean_of_parts(parts, part); };
  return KvEstimates{
      .learned = mean([](const KvEstimates& e) -> const stats::Replicates& { return e.learned; }),
      .random = mean([](const KvEstimates& e) -> const stats::Replicates& { return e.random; }),
      .advantage =
          mean([](const KvEstimates& e) -> const stats::Replicates& { return e.advantage; }),
      .noise_advantage =
          mean([](const KvEstimates& e) -> const stats::Replicates& { return e.noise_advantage; }),
      .excess = mean([](const KvEstimates& e) -> const stats::Replicates& { return e.excess; }),
      .centred = {
          mean([](const KvEstimates& e) -> const stats::Replicates& { return e.centred[0]; }),
          mean([](const KvEstimates& e) -> const stats::Replicates& { return e.centred[1]; }),
          mean([](const KvEstimates& e) -> const stats::Replicates& { return e.centred[2]; })}};
}

std::string_view kv_outcome(const std::optional<stats::Interval>& interval) {
  if (!interval) return "INCONCLUSIVE";
  const auto [low, high] = *interval;
  if (-kEquivalenceMargin < low && high < kEquivalenceMargin) return "EQUIVALENT";
  if (low > 0) return "SUPERIOR";
  return high < 0 ? "INFERIOR" : "INCONCLUSIVE";
}

std::string_view kv_place(const std::optional<stats::Interval>& interval) {
  if (!interval) return "undecided";
  const auto [low, high] = *interval;
  if (high < kPublishedLow) return "below";
  if (low > kPublishedHigh) return "above";
  return low >= kPublishedLow && high <= kPublishedHigh ? "within" : "undecided";
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
