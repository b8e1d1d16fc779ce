// Which fault explains that two logs differ: what the other side would hold if it had that fault
// and nothing else, against what it holds.
//
// Tokens are cut into pieces: the sequences, or, where these are fewer than 8, runs of neighbouring
// tokens of them. Whatever is fitted is fitted on even pieces; overlaps are of odd ones.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logs/agreement/comparison.h"
#include "logs/agreement/side.h"

namespace rg::logs {

// A fault is named if its mean overlap is at least this, and above that of the reference as it is.
inline constexpr double kNamedOverlap = 0.99;

enum class FaultKind : uint8_t {
  other_k,            // another number of experts
  no_selection_bias,  // ranked by the scores without the selection bias
  no_groups,          // all experts may be selected, whatever their group
  layer_before,       // layer l has the choice of the layer with a gate before it
  layer_after,
  token_before,  // a token has the choice of the token before it
  token_after,
  permutation,  // experts have other numbers, the same for all tokens of a layer
};
std::string_view name(FaultKind kind) noexcept;      // "layer_before"
std::string_view sentence(FaultKind kind) noexcept;  // what the other side does then

struct FaultTrial {
  FaultKind kind{};
  std::string not_tried = {};  // why, if it was not: "the gate has no groups"
  uint64_t decisions = 0;      // held out, where the fault says what the other side would hold
  Measure overlap = {}, declared = {};       // with the fault, and without, of the same decisions
  std::optional<stats::Interval> gain = {};  // of the difference, over pieces
  bool explains = false;                     // overlap >= 0.99, and the gain's interval is above 0
};

struct FaultSearch {
  std::vector<int> layers = {};  // that were searched
  std::vector<FaultTrial> trials = {};
  std::optional<FaultKind> named = {};  // the first of the list with the largest overlap
  // Of a named permutation, by layer: other's id for each of the reference's experts.
  std::vector<std::vector<int32_t>> permutations = {};
};

struct FaultInput {
  const Side& reference;
  const Side& other;
  std::span<const uint32_t> reference_rows, other_rows;  // of the pairs
  const Pairs& pairs;
  const std::vector<LayerComparison>& layers;
  uint32_t replicates;
  uint64_t seed;
  int threads;
};
// In these layers, which are some of the compared.
FaultSearch search_faults(const FaultInput& input, const std::vector<int>& layers);

// The assignment of n rows to n columns with the largest sum of values (n,n), as the column of
// every row: shortest augmenting paths (Kuhn 1955, Munkres 1957; O(n^3)).
std::vector<int32_t> best_assignment(std::span<const int64_t> values, size_t n);

}  // namespace rg::logs
