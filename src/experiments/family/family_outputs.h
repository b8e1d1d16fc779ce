// What the experiments on a family of checkpoints share: every checkpoint's outputs on the same
// windows of several domains, and their per-window values as JSON, by checkpoint and by edge.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "experiments/common.h"
#include "experiments/family/output_record.h"

namespace rg::experiments {

// One domain, measured on every checkpoint.
struct DomainOutputs {
  std::string name;
  uint32_t seq_len;
  std::vector<uint32_t> window_document;           // (windows) index of each one's document
  std::vector<const OutputRecord*> of_checkpoint;  // in the order of FamilyFacts::ckpts

  size_t windows() const { return window_document.size(); }
};

using Edge = std::pair<std::string, std::string>;  // from, to

struct FamilyFacts {
  std::vector<std::string> ckpts;  // names; the base first
  std::vector<Edge> edges;
  uint64_t seed;
  uint32_t replicates;  // of the bootstrap
  int threads;          // of the reduction
};

// Per-window values of one quantity on one domain, NaN where undefined: (checkpoints, windows).
struct Quantity {
  const char* name;  // in `per_window`
  std::vector<std::vector<double>> of_checkpoint;
};
// A value that is not finite is undefined.
std::vector<double> defined_values(std::span<const double> values);
// after - before, window by window.
std::vector<double> window_differences(std::span<const double> after,
                                       std::span<const double> before);

std::string edge_key(const Edge& edge);  // "A__to__B"
// to - from, window by window.
std::vector<double> edge_differences(const FamilyFacts& family, const Edge& edge,
                                     const Quantity& quantity);

// Every domain has a table of its own, of its own number of windows.
Statistician domain_statistician(const FamilyFacts& family, const DomainOutputs& domain);

// `layers` (none), `verification` and `edges`; checks that domains and edges fit the checkpoints.
Json family_fields(const FamilyFacts& family, std::span<const DomainOutputs> domains);
// {quantity{ckpt[windows]}}; nulls are noted at `path`.
Json quantities_json(const FamilyFacts& family, std::span<const Quantity> quantities, Nulls& nulls,
                     const std::string& path);

}  // namespace rg::experiments
