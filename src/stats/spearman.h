// Spearman's rank correlation of two quantities measured on the same few units (Spearman 1904), its
// bootstrap over units, and its exact permutation test. Definitions: docs/artifacts.md, section 12.
// Sums are of integers (doubled ranks), exact in fp64 for fewer than 30,000 units, and so don't
// depend on the order of units.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "stats/bootstrap.h"

namespace rg::stats {

inline constexpr size_t kMostPermutedUnits = 9;  // 9! = 362,880 permutations

// Pearson's correlation of the ranks, equal values sharing the mean of theirs. NaN if either
// quantity is constant or has an undefined value (NaN).
double spearman(std::span<const double> x, std::span<const double> y);

// The estimate, and in every replicate the correlation of the units drawn, each as often as it was;
// NaN where either quantity is constant over these.
Replicates spearman_replicates(const CountTable& table, std::span<const double> x,
                               std::span<const double> y);

// Share of all permutations of y against x whose correlation is at least the observed one: the
// one-sided exact p of no association. None where the correlation is undefined or there are more
// than kMostPermutedUnits.
std::optional<double> spearman_exact_p(std::span<const double> x, std::span<const double> y);

}  // namespace rg::stats
