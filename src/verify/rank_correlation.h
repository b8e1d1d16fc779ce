// Spearman's rank correlation of two quantities over runs, the verifier's own implementation
// (docs/artifacts.md section 12).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rg::verify {

// None where the values of either are all equal.
std::optional<double> rank_correlation(std::span<const double> x, std::span<const double> y);

// Share of all orders of y whose correlation with x is at least the observed one; none beyond 9
// runs and where the correlation is.
std::optional<double> permutation_p(std::span<const double> x, std::span<const double> y);

// Counter layers that draw runs.
inline constexpr uint32_t kTunedRuns = 2, kComparedRuns = 3;

// The `runs` runs of one replicate, drawn with replacement (Philox purpose 1, i = draw,
// j = replicate).
std::vector<uint32_t> drawn_runs(uint32_t runs, uint64_t seed, uint32_t replicate, uint32_t layer);

}  // namespace rg::verify
