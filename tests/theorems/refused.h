// Whether a function on tensors saw that a hypothesis is broken.
#pragma once

#include "theorems/findings.h"

namespace rg::theorems {

// True if `run(findings)` compared something and not all of it holds.
template <typename Run>
bool refused(Run&& run) {
  Findings findings;
  run(findings);
  return !findings.list().empty() && !findings.all_hold();
}

}  // namespace rg::theorems
