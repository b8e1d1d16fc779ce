// Are the two experts that compete at the selection boundary interchangeable there? Compares the
// unweighted outputs of e_k and e_{k+1} on tokens of small and of large margin (C1), and with those
// of random competitors (C2).
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration chart_compatibility_declaration();

}  // namespace rg::experiments
