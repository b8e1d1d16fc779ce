// key_only_router: can a token's keys tell which experts its router chooses?
#pragma once

#include "experiments/experiment.h"

namespace rg::experiments {

Declaration key_only_router_declaration();

}  // namespace rg::experiments
