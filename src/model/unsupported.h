// What a layer can say and no block computes. A family that binds such a model is refused by name
// before anything is read.
#pragma once

#include "model/model.h"

namespace rg::model {

// CF016 for a model without a gate; CF018 for layers whose gates or routed experts differ, for
// parts that have a weight where the spec has none (or the other way round), and for experts that
// are not the gate's.
void refuse_unsupported(const Model& model);

}  // namespace rg::model
