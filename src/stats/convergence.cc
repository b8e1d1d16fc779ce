#include "stats/convergence.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

constexpr size_t kSubsets = 200;
constexpr uint32_t kReplicates = 200;
constexpr double kFirstSize = 50, kSqrtTwo = 1.4142135623730951;
constexpr double kAgreementNeeded = 0.95;
constexpr double kPowerDistance = 3.242;  // 1.960 + 1.282
constexpr double kMostUnits = 9e15;       // above this a double isn't an exact count

}  // namespace

std::optional<double> smallest_z(std::span<const Criterion> criteria) {
  std::optional<double> smallest;
  for (const Criterion& c : criteria) {
    if (!(c.standard_error > 0) || std::isnan(c.distance)) return std::nullopt;
    const double z = c.distance / c.standard_error;
    smallest = smallest ? std::min(*smallest, z) : z;
  }
  return smallest;
}

Replication replication_of(size_t units, std::optional<double> z) {
  Replication result{.z = z, .replication = {}, .n_for_90 = {}};
  if (!z) return result;
  result.replication = normal_cdf(*z - 1.96);
  if (*z > 0) {
    const double ratio = kPowerDistance / *z;
    const double needed = std::ceil(static_cast<double>(units) * (ratio * ratio));
    if (needed < kMostUnits) result.n_for_90 = needed;
  }
  return result;
}

std::vector<size_t> window_grid(size_t windows) {
  std::vector<size_t> grid;
  double even = kFirstSize;
  for (size_t i = 0;; ++i) {
    const double size = i % 2 == 0 ? even : even * kSqrtTwo;
    if (i % 2 == 1) even *= 2;
    const auto rounded = static_cast<size_t>(std::floor(size + 0.5));
    if (rounded > windows) return grid;
    grid.push_back(rounded);
  }
}

void gather(std::span<const double> values, std::span<const uint32_t> members,
            std::vector<double>& out) {
  out.resize(members.size());
  for (size_t i = 0; i < members.size(); ++i) out[i] = values[members[i]];
}

Convergence judge_convergence(size_t windows, uint64_t seed, int threads, int final_label,
                              const Judge& judge, std::optional<double> z) {
  Convergence result;
  const Replication distance = replication_of(windows, z);
  result.z = distance.z;
  result.replication = distance.replication;
  result.n_for_90 = distance.n_for_90;
  const std::vector<size_t> grid = window_grid(windows);
  if (grid.empty()) return result;

  std::vector<std::vector<uint32_t>> shuffles(kSubsets);
  for (uint32_t s = 0; s < kSubsets; ++s) {
    shuffles[s] = draw_subset(static_cast<uint32_t>(windows), static_cast<uint32_t>(grid.back()),
                              seed, Purpose::convergence_subset, s, 0);
  }
  for (const size_t size : grid) {
    const CountTable table(size, kReplicates, seed, 0);
    std::vector<uint8_t> agrees(kSubsets, 0);
    parallel_for(kSubsets, threads, [&](size_t s, int) {
      std::vector<uint32_t> members(shuffles[s].begin(),
                                    shuffles[s].begin() + static_cast<std::ptrdiff_t>(size));
      std::sort(members.begin(), members.end());
      agrees[s] = judge(members, table) == final_label;
    });
    const auto same = std::count(agrees.begin(), agrees.end(), uint8_t{1});
    result.grid.push_back({size, static_cast<double>(same) / static_cast<double>(kSubsets)});
  }
  for (size_t i = result.grid.size(); i-- > 0;) {
    if (result.grid[i].agreement < kAgreementNeeded) break;
    result.settled_at = result.grid[i].windows;
  }
  result.settled = result.settled_at && 2 * *result.settled_at <= windows;
  return result;
}

}  // namespace rg::stats
