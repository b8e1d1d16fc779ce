// What expert_load keeps of every layer (docs/artifacts.md, 6).
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/record.h"

namespace rg::experiments {

inline constexpr size_t kFrequentTokens = 20;  // listed per expert

struct LoadRecord : Record {
  LoadRecord(size_t layers, size_t windows, uint32_t experts, size_t rows);

  ExpertCounts count;
  WindowCounts repeat_top1, repeat_any, with_nan;
  struct TokenCount {
    int32_t id = -1;
    uint32_t times = 0;
  };
  struct Layer {
    std::vector<uint64_t> total;         // (E)
    std::vector<uint64_t> pairs;         // (E, E)
    std::vector<uint64_t> transitions;   // (E, E); empty at the first measured layer
    std::vector<uint64_t> first_choice;  // (E)
    std::vector<TokenCount> tokens;      // (E, kFrequentTokens), most frequent first
    std::vector<double> specialisation;  // (E); NaN where the expert is never selected
  };
  std::vector<Layer> layers;
  std::vector<int32_t> before;  // (rows) first choice at the previous measured layer
};

}  // namespace rg::experiments
