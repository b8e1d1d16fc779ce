// The parts of a residual as the router sees them: embedding, attention, experts (MLPs included),
// and the gate's bias if it has one. Subsets of the first three are bit masks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rg::experiments {

enum Part : size_t { kEmbedding, kAttention, kExperts, kBias };
inline constexpr size_t kMixParts = 3;  // the parts that Shapley values divide among
inline constexpr size_t kMaxParts = 4;
inline constexpr std::array<const char*, kMaxParts> kPartNames = {"embedding", "attention",
                                                                  "experts", "bias"};

using Subset = unsigned;  // bit p: part p is in
inline constexpr Subset kNone = 0, kAll = 7;
inline constexpr size_t kSubsets = 8;
constexpr Subset only(size_t part) { return 1u << part; }
constexpr bool holds(Subset subset, size_t part) { return (subset >> part & 1u) != 0; }
// The six proper subsets, in the order of the artifact.
inline constexpr std::array<Subset, 6> kProperSubsets = {1, 2, 4, 3, 5, 6};
inline constexpr std::array<const char*, kSubsets> kSubsetNames = {
    "none",    "embedding",         "attention",         "embedding+attention",
    "experts", "embedding+experts", "attention+experts", "embedding+attention+experts"};

// Inner products of the mixed parts: give |sum of a subset|^2 without the (d) vectors.
struct Gram {
  std::array<std::array<double, kMixParts>, kMixParts> of{};
  void set(size_t a, size_t b, double value) { of[a][b] = of[b][a] = value; }
  double squared_norm(Subset subset) const {
    double sum = 0;
    for (size_t a = 0; a < kMixParts; ++a) {
      for (size_t b = 0; b < kMixParts; ++b) {
        if (holds(subset, a) && holds(subset, b)) sum += of[a][b];
      }
    }
    return sum < 0 ? 0 : sum;
  }
};

// Shapley value of a part among the three: `value` of every subset.
double shapley(size_t part, const std::array<double, kSubsets>& value);

}  // namespace rg::experiments
