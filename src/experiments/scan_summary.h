// Per-window values of terminal_ovk_scan and their reduction to the artifact's fields
// (docs/artifacts.md, 4).
#pragma once

#include "experiments/common.h"

namespace rg::experiments {

struct ScanRecord : Record {
  ScanRecord(size_t layers, size_t windows, size_t experts);

  WindowValues ovk, swap, update_ratio, ovk_other;
  WindowCounts undefined;
  // (layers, E): selections over the defined positions of all windows.
  std::vector<uint64_t> expert_counts;
};

// Adds per_window, expert_counts, summary and null_reasons.
void reduce_scan(const ScanRecord& record, const Setting& setting, Json& fields);

}  // namespace rg::experiments
