// V3: routing self-consistency over depth. Would the gate choose the same experts after adding the
// layer's own update? ov_k between R_k(norm(x)) and R_k(norm(x + u)), layer by layer, and the drop
// at the last MoE layer.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration terminal_ovk_scan_declaration();

}  // namespace rg::experiments
