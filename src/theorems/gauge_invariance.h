// GI: which changes of coordinates leave attention and routing as they are.
#pragma once

#include "theorems/findings.h"
#include "theorems/tensors.h"

namespace rg::theorems {

// GI-1. Queries (n, d), keys (m, d), a rotation (d, d): scores before and after, against the
// rounding of fp64: 4 d u |q| |k|.
void score_invariance(TensorView queries, TensorView keys, TensorView rotation, Findings& findings);

}  // namespace rg::theorems
