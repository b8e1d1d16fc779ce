// What one bit per coordinate keeps of the keys of every KV head, in many gauges: does a rotation
// that was learned on half of the documents beat random orthogonal ones on the other half
// (docs/artifacts.md, 16)? Watches keys, not the gate.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration kv_gauge_declaration();

}  // namespace rg::experiments
