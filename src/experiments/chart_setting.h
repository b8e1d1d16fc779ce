// Parameters of chart_compatibility, and the settings that it refuses.
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/experiment.h"

namespace rg::experiments {

// Parameter `required_layers`, ascending; default every measured layer. US003.
std::vector<int> required_chart_layers(const Setting& setting);
// Parameter `random_draws`, 1 to 64; default 1. US003.
uint32_t random_draws_of(const Setting& setting);
// RT001 without a third eligible expert, RT006 for short windows, US003 for the two parameters.
void check_chart_setting(const Setting& setting);

}  // namespace rg::experiments
