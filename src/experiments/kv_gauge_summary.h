// The statistics of kv_gauge: learned against random gauges on held-out keys, by head, layer and
// model, and the verdict (docs/artifacts.md, 16.2).
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/kv_gauge_arrays.h"

namespace rg::experiments {

struct KvStudy {
  const std::vector<KvLayer>& layers;  // those with keys
  const KvUnits& units;
  uint32_t replicates;
  uint64_t seed;
  int threads;
};

// Fewest keys per width that a verdict needs, and those below which a note is left.
inline constexpr double kKeysPerWidthRequired = 50, kKeysPerWidthNoted = 100;
inline constexpr uint32_t kDocumentsRequired = 20;  // fitted, and units

Json kv_summary(const KvStudy& study, Nulls& nulls);
double kv_keys_per_width(const KvLayer& layer);  // the smallest of its heads

}  // namespace rg::experiments
