// What studies share that audit a reference and something changed.
#pragma once

#include <optional>
#include <string>

#include "experiments/audit/routes.h"
#include "stream/pass.h"

namespace rg::lab {

const char* compute_name(stream::Compute compute);  // "bf16" or "f32"
// The one that isn't `own`, where this CPU has it.
std::optional<std::string> other_compute_of(stream::Compute own);
// Every token is sent where `routes` say, weighed by the gate's rule. `of`: whose they are, in
// messages. Points into `routes`.
stream::Intervention imposing(const experiments::RouteTable& routes, const std::string& of);

}  // namespace rg::lab
