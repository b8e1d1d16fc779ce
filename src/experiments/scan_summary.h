// V3's per-window values and their reduction to the artifact's fields (docs/artifacts.md, 4).
#pragma once

#include "experiments/common.h"

namespace rg::experiments {

struct ScanRecord {  // (layers, windows) of each quantity
  ScanRecord(size_t layers, size_t windows);

  WindowValues ovk, swap, update_ratio, ovk_other;
  WindowCounts undefined;
};

// Adds per_window, summary and null_reasons.
void reduce_scan(const ScanRecord& record, const Setting& setting, Json& fields);

}  // namespace rg::experiments
