// What people compute from logs: expert counts, their entropy, what repeats from token to token.
// Here to say what a fault does to them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "logs/record.h"

namespace rg::logs {

struct LayerStatistics {
  uint64_t rows = 0;   // with a choice
  double entropy = 0;  // of the expert counts, bits
  double busiest = 0;  // largest count / mean count
  double overlap = 0;  // mean |A and B| of neighbouring rows of a sequence; of k
};

// Of one layer, without these rows (ascending, disjoint).
LayerStatistics layer_statistics(const Record& record, const LayerLog& log,
                                 std::span<const RowRange> without);

// How often each id occurs, of ids below E and 16384.
struct Census {
  uint32_t experts = 0;  // E: the log's, else the model's, else the largest id + 1
  bool experts_known = false;
  std::vector<std::vector<uint64_t>> counts;  // by place of the layer in the record
  std::vector<uint64_t> rows;                 // with a choice, by place of the layer
};
// `model_experts`: 0 if unknown.
Census take_census(const Record& record, uint32_t model_experts, int threads);

}  // namespace rg::logs
