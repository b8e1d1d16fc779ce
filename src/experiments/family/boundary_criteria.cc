#include "experiments/family/boundary_criteria.h"

#include <algorithm>
#include <cmath>

namespace rg::experiments {
namespace {

constexpr std::ptrdiff_t kFewestDeciles = 3;

}  // namespace

void DecileSums::add(const BoundaryWindow& window) {
  for (size_t i = 0; i < kDeciles; ++i) {
    mass[i] += window.decile_mass[i];
    tokens[i] += window.decile_tokens[i];
  }
}

DecileSums decile_sums(std::span<const BoundaryWindow> windows) {
  DecileSums sums;
  for (const BoundaryWindow& window : windows) sums.add(window);
  return sums;
}

DecileMeans mean_disagreement(const DecileSums& sums, uint32_t k) {
  DecileMeans means;
  for (size_t i = 0; i < kDeciles; ++i) {
    means[i] = sums.tokens[i] == 0
                   ? kNaN
                   : static_cast<double>(sums.mass[i]) / static_cast<double>(k * sums.tokens[i]);
  }
  return means;
}

double largest_rise(const DecileMeans& means) {
  double largest = kNaN, before = kNaN;
  for (const double mean : means) {
    if (std::isnan(mean)) continue;
    if (!std::isnan(before)) largest = std::fmax(largest, mean - before);
    before = mean;
  }
  return largest;
}

bool never_increases(const DecileMeans& means) { return !(largest_rise(means) > 0); }

const char* degenerate(const DecileSums& sums, bool equal_margins) {
  const auto empty = [](uint64_t count) { return count == 0; };
  if (std::all_of(sums.mass.begin(), sums.mass.end(), empty)) return "no disagreement";
  if (equal_margins) return "equal margins";
  const auto filled = static_cast<std::ptrdiff_t>(kDeciles) -
                      std::count_if(sums.tokens.begin(), sums.tokens.end(), empty);
  return filled < kFewestDeciles ? "fewer than 3 deciles" : nullptr;
}

bool concentrated(std::span<const stats::Replicates> means) {
  return std::any_of(means.begin(), means.end(), [](const stats::Replicates& mean) {
    return stats::interval_above(mean.values, 0);
  });
}

BoundaryLayer::BoundaryLayer(const BoundaryRecord& record, size_t slot)
    : windows_(record.windows(slot)),
      k_(record.setting().spec.top_k),
      sums_(decile_sums(windows_)),
      compression_(disagreement_compression(record, slot)) {
  const auto edges = record.decile_edges(slot);
  equal_margins_ = !edges.empty() && edges.front() == edges.back();
}

stats::Replicates BoundaryLayer::rise(const Statistician& statistician) const {
  std::array<stats::Replicates, kDeciles> deciles;
  std::vector<double> mass(windows_.size()), tokens(windows_.size());
  for (size_t i = 0; i < kDeciles; ++i) {
    for (size_t w = 0; w < windows_.size(); ++w) {
      mass[w] = windows_[w].decile_mass[i];
      tokens[w] = static_cast<double>(uint64_t{k_} * windows_[w].decile_tokens[i]);
    }
    deciles[i] = statistician.ratio(mass, tokens);
  }
  stats::Replicates rise{largest_rise(mean_disagreement(sums_, k_)), {}};
  DecileMeans means;
  for (size_t b = 0; b < statistician.table().replicates(); ++b) {
    for (size_t i = 0; i < kDeciles; ++i) means[i] = deciles[i].values[b];
    rise.values.push_back(largest_rise(means));
  }
  return rise;
}

DecileSums BoundaryLayer::sums_among(std::span<const uint32_t> members) const {
  DecileSums sums;
  for (const uint32_t w : members) sums.add(windows_[w]);
  return sums;
}

bool BoundaryLayer::concentrated_among(std::span<const uint32_t> members,
                                       const stats::CountTable& table) const {
  std::vector<double> values;
  return std::any_of(compression_.begin(), compression_.end(), [&](const Compression& one) {
    stats::gather(one.tie_aware, members, values);
    return stats::interval_above(stats::mean_replicates(table, values).values, 0);
  });
}

}  // namespace rg::experiments
