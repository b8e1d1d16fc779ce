// The statistics of kv_distortion: of every layer and of the model under every code, whether the
// bounds hold, and whether the forecast is calibrated (docs/artifacts.md, 17.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/common.h"
#include "experiments/kv_distortion_observer.h"

namespace rg::experiments {

// What rounding may need of a bound, as a share of the spread of values and their error.
inline constexpr double kBoundAllowance = 1e-9;

struct KvDistortionStudy {
  const std::vector<KvDistortionLayer>& layers;  // those with keys
  const std::vector<KvCode>& codes;
  const KvContextRecord& contexts;
  std::span<const uint32_t> window_document;
  uint32_t replicates;
  uint64_t seed;
  int threads;
};

Json kv_distortion_summary(const KvDistortionStudy& study, Nulls& nulls);

}  // namespace rg::experiments
