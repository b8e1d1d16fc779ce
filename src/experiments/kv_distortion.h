// What keys (and values) of 1 to 4 bits do to attention: the measured distortion, bounds on it, and
// a forecast of it (docs/artifacts.md, 17). Watches keys, not the gate.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration kv_distortion_declaration();

}  // namespace rg::experiments
