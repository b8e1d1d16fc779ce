// How good forecasts of flips are: calibration, Brier score, skill and reliability, each with the
// bootstrap interval of the windows scored (the forecast stays as it was fitted). Definitions:
// docs/artifacts.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/audit/forecast.h"
#include "experiments/common.h"

namespace rg::experiments {

// The decisions of one layer, or of several, that a forecast gives the same probability.
struct ForecastLevel {
  double p;
  std::vector<uint32_t> decisions, flips;  // (windows)
};
using ForecastLevels = std::vector<ForecastLevel>;  // in any order, p may repeat

ForecastLevels levels_of(const DrawCounts& counts);  // p = draws that flip / 64

// The scores of one forecast. `drawn`: p is a share of 64 draws, whose noise is taken off the loss.
// `f0`, `f1`: levels of the reference forecasts of the same decisions, for the skills; null: none.
// `has_slope`: p varies by more than the layer. Nulls are noted below `path`.
Json score_json(const ForecastLevels& own, bool drawn, const ForecastLevels* f0,
                const ForecastLevels* f1, bool has_slope, const Statistician& statistician,
                Nulls& nulls, const std::string& path);

}  // namespace rg::experiments
