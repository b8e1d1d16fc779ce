// Which part writes what the router reads: embedding, attention or experts? And does routing follow
// the token or its context? By the exact decomposition and by the published convention.
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration attention_router_declaration();

}  // namespace rg::experiments
