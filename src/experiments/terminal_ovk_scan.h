// Routing self-consistency over depth: would the gate choose the same experts after the layer's own
// update is added? ov_k between R_k(norm(x)) and R_k(norm(x + u)), layer by layer, and its drop at
// the last MoE layer.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration terminal_ovk_scan_declaration();

}  // namespace rg::experiments
