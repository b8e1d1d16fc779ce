// The settings that chart_compatibility refuses.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

// RT001 without a third eligible expert, RT006 for short windows, RT007 for normed updates.
void check_chart_setting(const Setting& setting);

}  // namespace rg::experiments
