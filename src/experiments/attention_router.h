// Who writes what the router reads: embedding, attention or experts; and does routing follow the
// token or its context? Both by the exact decomposition and by the published convention.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration attention_router_declaration();

}  // namespace rg::experiments
