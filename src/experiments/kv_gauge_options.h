// What kv_gauge is told: its parameters, and what follows from them for the fit of a head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/experiment.h"
#include "experiments/key_sample_record.h"
#include "keys/centring.h"
#include "keys/fit.h"

namespace rg::experiments {

struct KvGaugeOptions {
  KeySampleRecord::Step step;
  bool before_rope;  // the keys of `step` are those before RoPE
  keys::Centring centring;
  uint32_t positions, sink_positions;  // sampled per window; first ones that are sinks
  uint32_t residual_rank;              // 0: none
  keys::FitOptions fit;

  size_t gauges() const;  // of a head, random ones counted
};

// Those that other experiments on keys have too.
Parameter kv_step_parameter();
Parameter kv_positions_parameter();
Parameter kv_sinks_parameter();

std::vector<Parameter> kv_gauge_parameters();
// Of a setting whose parameters are complete.
KvGaugeOptions kv_gauge_options(const Setting& setting);
Json kv_gauge_options_json(const Setting& setting);  // `keys` of the artifact

inline constexpr keys::Centring kCentrings[] = {keys::Centring::raw, keys::Centring::key_dc,
                                                keys::Centring::dataset_mean};
inline constexpr const char* kCentringNames[] = {"raw", "key_dc", "dataset_mean"};

}  // namespace rg::experiments
