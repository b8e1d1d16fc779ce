// Summary of key_only_router from its layers (docs/artifacts.md, 20.2).
#pragma once

#include <vector>

#include "experiments/key_only_arrays.h"

namespace rg::experiments {

inline constexpr double kRowsPerFeatureNoted = 10;

struct RouterStudy {
  const std::vector<RouterLayer>& layers;
  const RouterSplit& split;
  std::vector<double> unit_rows;  // (units)
  uint32_t replicates;
  uint64_t seed;
  int threads;
};

// Fitted rows over the widest features of the layer; 0 without any.
double rows_per_feature(const RouterLayer& layer, const RouterSplit& split);
Json router_summary(const RouterStudy& study, Nulls& nulls);

}  // namespace rg::experiments
