// What V2 takes from its setting, and when it refuses it.
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/experiment.h"

namespace rg::experiments {

// Parameter `required_layers`, ascending; every measured layer without it. US003.
std::vector<int> required_chart_layers(const Setting& setting);
// Parameter `random_draws`, 1 to 64; 1 without it. US003.
uint32_t random_draws_of(const Setting& setting);
// RT001 without a third eligible expert, RT006 for short windows, US003 for the two above.
void check_chart_setting(const Setting& setting);

}  // namespace rg::experiments
