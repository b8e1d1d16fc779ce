#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "theorems/routing_geometry.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

// |A_n and B_n| around its mean, squared: its mean estimates the variance.
Vector squared_deviations(const Vector& values) {
  return (values.array() - values.mean()).square();
}

double size_of(const Sets& sets) { return static_cast<double>(sets.front().size()); }

double choose(Eigen::Index n, Eigen::Index k) {
  double out = 1;
  for (Eigen::Index i = 0; i < k; ++i) {
    out *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return k > n ? 0 : out;
}

// Mean of ov and its square over all pairs of outcomes, from two lists of equally likely sets.
Vector all_overlaps(const Sets& sets) {
  const size_t n = sets.size();
  Vector out(static_cast<Eigen::Index>(n * n));
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = 0; b < n; ++b) {
      out[static_cast<Eigen::Index>(a * n + b)] =
          static_cast<double>(common(sets[a], sets[b])) / size_of(sets);
    }
  }
  return out;
}

// Experts of the chosen groups.
Set members(const Grouping& grouping, const Set& groups) {
  const Eigen::Index size = grouping.experts / grouping.groups;
  Set out;
  for (const Eigen::Index group : groups) {
    for (Eigen::Index e = 0; e < size; ++e) out.push_back(group * size + e);
  }
  return out;
}

}  // namespace

Sets all_sets(Eigen::Index experts, Eigen::Index k) {
  Sets out;
  Set set(static_cast<size_t>(k));
  std::iota(set.begin(), set.end(), Eigen::Index{0});
  for (;;) {
    out.push_back(set);
    Eigen::Index at = k - 1;
    while (at >= 0 && set[static_cast<size_t>(at)] == experts - k + at) --at;
    if (at < 0) return out;
    std::iota(set.begin() + at, set.end(), set[static_cast<size_t>(at)] + 1);
  }
}

Vector overlaps(const Sets& a, const Sets& b) {
  Vector out(static_cast<Eigen::Index>(a.size()));
  for (size_t n = 0; n < a.size(); ++n) {
    out[static_cast<Eigen::Index>(n)] = static_cast<double>(common(a[n], b[n])) / size_of(a);
  }
  return out;
}

Vector popularity(const Sets& sets, Eigen::Index experts) {
  Vector out = Vector::Zero(experts);
  for (const Set& set : sets) {
    for (const Eigen::Index e : set) out[e] += 1;
  }
  return out / static_cast<double>(sets.size());
}

ChanceOverlap chance_overlap(Eigen::Index experts, Eigen::Index k) {
  const auto e = static_cast<double>(experts), size = static_cast<double>(k);
  ChanceOverlap out{.count = size * size / e,
                    .variance = size * (size / e) * (1 - size / e) * (e - size) / (e - 1),
                    .jaccard = 0};
  for (Eigen::Index m = 0; m <= k; ++m) {
    const double probability = choose(k, m) * choose(experts - k, k - m) / choose(experts, k);
    out.jaccard += probability * static_cast<double>(m) / static_cast<double>(2 * k - m);
  }
  return out;
}

void enumerated_overlap(const Set& set, Eigen::Index experts, Findings& findings) {
  const auto k = static_cast<Eigen::Index>(set.size());
  const Sets all = all_sets(experts, k);
  const Vector counts = overlaps(Sets(all.size(), set), all) * static_cast<double>(k);
  const Vector jaccard = counts.array() / (static_cast<double>(2 * k) - counts.array());
  const ChanceOverlap expected = chance_overlap(experts, k);
  findings.equal("mean of |A and B| over all B", counts.mean(), expected.count, 1e-12);
  findings.equal("its variance", squared_deviations(counts).mean(), expected.variance, 1e-12);
  findings.equal("mean Jaccard index", jaccard.mean(), expected.jaccard, 1e-12);
}

void drawn_overlap(const Sets& a, const Sets& b, Eigen::Index experts, Findings& findings) {
  const auto k = static_cast<Eigen::Index>(a.front().size());
  const Vector counts = overlaps(a, b) * static_cast<double>(k);
  const Vector jaccard = counts.array() / (static_cast<double>(2 * k) - counts.array());
  const ChanceOverlap expected = chance_overlap(experts, k);
  const Estimate mean = mean_of(counts), variance = mean_of(squared_deviations(counts));
  findings.equal("mean overlap, against k/E", mean.value / static_cast<double>(k),
                 static_cast<double>(k) / static_cast<double>(experts),
                 kErrors * mean.error / static_cast<double>(k));
  findings.equal("variance of |A and B|", variance.value, expected.variance,
                 kErrors * variance.error);
  findings.equal("mean Jaccard index", jaccard.mean(), expected.jaccard,
                 4 * mean_of(jaccard).error);
}

void popularity_null(const Sets& sets, Eigen::Index experts, Findings& findings) {
  const double k = size_of(sets), null = popularity(sets, experts).squaredNorm() / k;
  findings.equal("mean overlap of all ordered pairs, against sum pi^2 / k",
                 all_overlaps(sets).mean(), null, 1e-12);
  findings.at_least("sum pi^2 / k, against k/E", null, k / static_cast<double>(experts), 1e-12);
}

void best_fixed_set(const Sets& sets, Eigen::Index experts, Findings& findings) {
  const Vector shares = popularity(sets, experts);
  const auto k = static_cast<Eigen::Index>(sets.front().size());
  double best = 0;
  for (const Set& guess : all_sets(experts, k)) {
    best = std::max(best, overlaps(Sets(sets.size(), guess), sets).mean());
  }
  double top = 0;
  for (const Eigen::Index e : top_k(shares, k)) top += shares[e];
  findings.equal("best mean overlap of a fixed set, against the k largest shares", best,
                 top / static_cast<double>(k), 1e-12);
}

void drawn_from_pool(const Sets& pool, const Sets& a, const Sets& b, Eigen::Index experts,
                     Findings& findings) {
  const Estimate found = mean_of(overlaps(a, b));
  findings.equal("mean overlap of drawn pairs, against sum pi^2 / k", found.value,
                 popularity(pool, experts).squaredNorm() / size_of(pool), kErrors * found.error);
}

GroupedNull grouped_null(const Grouping& grouping) {
  const auto e = static_cast<double>(grouping.experts), h = static_cast<double>(grouping.groups);
  const auto g = static_cast<double>(grouping.chosen), k = static_cast<double>(grouping.k);
  const double m = e / h, pair = k * (k - 1) / (g * m * (g * m - 1));
  const double same = g / h * pair, other = g * (g - 1) / (h * (h - 1)) * pair;
  const double square = k * k / e + e * (m - 1) * same * same + e * (e - m) * other * other;
  return {.mean = k / e,
          .same_groups = k * h / (g * e),
          .variance = square / (k * k) - (k / e) * (k / e)};
}

void drawn_grouped_overlap(const Grouping& grouping, const Sets& a, const Sets& groups_a,
                           const Sets& b, const Sets& groups_b, Findings& findings) {
  const GroupedNull expected = grouped_null(grouping);
  const Vector ov = overlaps(a, b);
  const Estimate mean = mean_of(ov), variance = mean_of(squared_deviations(ov));
  findings.equal("mean overlap", mean.value, expected.mean, kErrors * mean.error);
  findings.equal("variance of the overlap", variance.value, expected.variance,
                 kErrors * variance.error);
  std::vector<double> same;
  for (size_t n = 0; n < a.size(); ++n) {
    if (groups_a[n] == groups_b[n]) same.push_back(ov[static_cast<Eigen::Index>(n)]);
  }
  findings.above("pairs of the same groups", static_cast<double>(same.size()), 1);
  if (same.size() < 2) return;
  const Estimate met = mean_of(
      Vector(Eigen::Map<const Vector>(same.data(), static_cast<Eigen::Index>(same.size()))));
  findings.equal("mean overlap of these", met.value, expected.same_groups, kErrors * met.error);
}

void enumerated_grouped_overlap(const Grouping& grouping, Findings& findings) {
  Sets outcomes;
  double same = 0, same_pairs = 0;
  for (const Set& groups : all_sets(grouping.groups, grouping.chosen)) {
    const Set pool = members(grouping, groups);
    Sets of_groups;
    for (const Set& places : all_sets(static_cast<Eigen::Index>(pool.size()), grouping.k)) {
      Set set;
      for (const Eigen::Index place : places) set.push_back(pool[static_cast<size_t>(place)]);
      of_groups.push_back(set);
    }
    const Vector within = all_overlaps(of_groups);
    same += within.sum();
    same_pairs += static_cast<double>(within.size());
    outcomes.insert(outcomes.end(), of_groups.begin(), of_groups.end());
  }
  const GroupedNull expected = grouped_null(grouping);
  const Vector ov = all_overlaps(outcomes);
  findings.equal("mean overlap", ov.mean(), expected.mean, 1e-12);
  findings.equal("variance of the overlap", squared_deviations(ov).mean(), expected.variance,
                 1e-12);
  findings.equal("mean overlap within the same groups", same / same_pairs, expected.same_groups,
                 1e-12);
}

void enumerated_quota_overlap(const Set& sizes, const Set& quotas, Findings& findings) {
  Sets outcomes{{}};
  Eigen::Index first = 0, k = 0;
  double expected = 0;
  for (size_t group = 0; group < sizes.size(); ++group) {
    Sets longer;
    for (const Set& start : outcomes) {
      for (const Set& part : all_sets(sizes[group], quotas[group])) {
        Set set = start;
        for (const Eigen::Index e : part) set.push_back(first + e);
        longer.push_back(set);
      }
    }
    outcomes = longer;
    first += sizes[group];
    k += quotas[group];
    const auto quota = static_cast<double>(quotas[group]);
    expected += quota * quota / static_cast<double>(sizes[group]);
  }
  findings.equal("mean overlap under quotas", all_overlaps(outcomes).mean(),
                 expected / static_cast<double>(k), 1e-12);
}

Set low_margin_tail(VectorView margins, stats::Fraction q) {
  std::vector<double> sorted(margins.begin(), margins.end());
  std::sort(sorted.begin(), sorted.end());
  const double threshold = stats::quantile<double>(sorted, q);
  Set out;
  for (Eigen::Index t = 0; t < margins.size(); ++t) {
    if (margins[t] <= threshold) out.push_back(t);
  }
  return out;
}

void cyclic_tail_share(VectorView margins, VectorView masses, stats::Fraction q,
                       Findings& findings) {
  const Set tail = low_margin_tail(margins, q);
  const Eigen::Index window = margins.size();
  double sum = 0;
  for (Eigen::Index shift = 0; shift < window; ++shift) {
    for (const Eigen::Index t : tail) sum += masses[(t + shift) % window] / masses.sum();
  }
  findings.equal("share of mass in the tail, mean over the placements, against |B| / T",
                 sum / static_cast<double>(window),
                 static_cast<double>(tail.size()) / static_cast<double>(window), 1e-12);
}

void drawn_tail_share(VectorView margins, TensorView placements, stats::Fraction q,
                      Findings& findings) {
  const Set tail = low_margin_tail(margins, q);
  Vector shares = Vector::Zero(placements.rows());
  double with_mass = 0;
  for (Eigen::Index n = 0; n < placements.rows(); ++n) {
    const double total = placements.row(n).sum();
    if (total == 0) continue;
    ++with_mass;
    for (const Eigen::Index t : tail) shares[n] += placements(n, t) / total;
  }
  const Estimate found = mean_of(shares);
  const double baseline = static_cast<double>(tail.size()) / static_cast<double>(margins.size());
  findings.equal("share of mass in the tail, mean over the windows", found.value,
                 baseline * with_mass / static_cast<double>(placements.rows()),
                 kErrors * found.error);
}

}  // namespace rg::theorems
