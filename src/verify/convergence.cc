// How far the verdict is from its threshold and how many windows it takes to settle
// (docs/artifacts.md section 1.2). z, replication and n_for_90 are always recomputed; the
// agreement of subsets only on request.
#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "verify/analysis.h"

namespace rg::verify {
namespace {

constexpr double kReplicationQuantile = 1.96;
constexpr double kPowerQuantile = 3.242;  // 1.96 + the 90 % point of the normal distribution
constexpr uint32_t kSubsets = 200;
constexpr uint32_t kSubsetReplicates = 200;
constexpr double kAgreementNeeded = 0.95;

std::optional<uint64_t> n_for_90(uint64_t n, double z) {
  if (!(z > 0)) return std::nullopt;
  const double ratio = kPowerQuantile / z;
  const double needed = std::ceil(static_cast<double>(n) * (ratio * ratio));
  if (!(needed < 9e15)) return std::nullopt;
  return static_cast<uint64_t>(needed);
}

}  // namespace

std::optional<Convergence> replication_of(uint64_t n, std::optional<double> z) {
  if (!z) return std::nullopt;
  return Convergence{.z = *z,
                     .replication = boost::math::cdf(boost::math::normal_distribution<double>(),
                                                     *z - kReplicationQuantile),
                     .n_for_90 = n_for_90(n, *z),
                     .settled_at = {},
                     .settled = {}};
}

void claim_replication(Claims& claims, const Claims::Path& at,
                       const std::optional<Convergence>& replication) {
  const auto below = [&](const char* key) {
    Claims::Path path = at;
    path.emplace_back(key);
    return path;
  };
  std::optional<double> z, agrees;
  std::optional<int64_t> needed;
  if (replication) {
    z = replication->z;
    agrees = replication->replication;
    if (replication->n_for_90) needed = static_cast<int64_t>(*replication->n_for_90);
  }
  claims.near(below("z"), z, Check::convergence_numbers);
  claims.near(below("replication"), agrees, Check::convergence_numbers);
  claims.count(below("n_for_90"), needed, Check::convergence_numbers);
}

std::vector<uint64_t> window_grid(uint64_t n) {
  constexpr double kFirst = 50;
  std::vector<uint64_t> grid;
  for (int i = 0;; ++i) {
    const auto m = static_cast<uint64_t>(std::llround(kFirst * std::pow(2.0, i / 2.0)));
    if (m > n) return grid;
    grid.push_back(m);
  }
}

Replicates Analysis::subset_replicates(std::span<const uint32_t> members) const {
  Columns columns(members.size());
  for (size_t c = 0; c < verdict_.size(); ++c) {
    Windows chosen(members.size());
    for (size_t i = 0; i < members.size(); ++i) chosen[i] = verdict_.column(c)[members[i]];
    columns.add(chosen);
  }
  return {columns, {*case_.header.seed, kSubsetReplicates, 0, 1, KeepDraws::no}};
}

void Analysis::convergence(Claims& claims, std::optional<double> z, const Label& label) {
  std::vector<uint32_t> all(case_.header.n_windows);
  std::iota(all.begin(), all.end(), 0u);
  claim_convergence(case_, claims, z,
                    {label(primary(), all), [&](std::span<const uint32_t> members) {
                       const Replicates replicates = subset_replicates(members);
                       return label(Sample(replicates, true), members);
                     }});
}

void claim_convergence(const Case& c, Claims& claims, std::optional<double> z,
                       const ConvergenceLabels& labels) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  const uint64_t n = header.n_windows;
  judgement.convergence = replication_of(n, z);
  // The summary speaks of the artifact's own list of layers.
  if (!header.full || header.required_by_verifier) return;

  const Claims::Path at = {"summary", "convergence"};
  const auto below = [&](const char* key) { return Claims::Path{at[0], at[1], key}; };
  claims.text(below("verdict"), labels.final);
  claim_replication(claims, at, judgement.convergence);

  const std::vector<uint64_t> grid = window_grid(n);
  for (size_t i = 0; i < grid.size(); ++i) {
    claims.count({at[0], at[1], "grid", std::to_string(i), "windows"},
                 static_cast<int64_t>(grid[i]));
  }
  claims.absent({at[0], at[1], "grid", std::to_string(grid.size())});

  // What the stated agreements say; the agreements themselves only with --convergence.
  std::vector<double> agreement(grid.size(), 0.0);
  const bool recompute = c.inspect.options().recompute_convergence;
  if (recompute) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t g = 0; g < grid.size(); ++g) {
      uint32_t agreeing = 0;
      for (uint32_t s = 0; s < kSubsets; ++s) {
        const auto m = static_cast<uint32_t>(grid[g]);
        std::vector<uint32_t> members = draw_subset(static_cast<uint32_t>(n), m, *header.seed,
                                                    Purpose::convergence_subset, s, 0);
        std::sort(members.begin(), members.end());
        agreeing += labels.of_subset(members) == labels.final ? 1u : 0u;
      }
      agreement[g] = agreeing / static_cast<double>(kSubsets);
      claims.mean({at[0], at[1], "grid", std::to_string(g), "agreement"}, agreement[g],
                  Check::convergence_numbers);
    }
    judgement.bootstrap_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } else {
    const At stated = ((c.root / "summary") / "convergence") / "grid";
    if (!stated || !stated.value->is(Kind::array)) return;
    for (size_t g = 0; g < std::min(grid.size(), stated.value->array().size()); ++g) {
      const At point{&stated.value->array()[g], fmt::format("{}[{}]", stated.path, g)};
      const auto share = c.inspect.number(c.inspect.need(point, "agreement"), kUnit);
      if (!share) return;
      agreement[g] = *share;
    }
  }
  std::optional<int64_t> settled_at;
  for (size_t g = grid.size(); g-- > 0 && agreement[g] >= kAgreementNeeded;) {
    settled_at = static_cast<int64_t>(grid[g]);
  }
  const bool settled = settled_at && 2 * static_cast<uint64_t>(*settled_at) <= n;
  claims.count(below("settled_at"), settled_at, Check::convergence_numbers);
  claims.flag(below("settled"), settled, Check::convergence_numbers);
  if (judgement.convergence && recompute) {
    if (settled_at) judgement.convergence->settled_at = static_cast<uint64_t>(*settled_at);
    judgement.convergence->settled = settled;
  }
}

}  // namespace rg::verify
