// Whether two tokenizers read the texts of a run alike: what two checkpoints predict can be
// compared only where they were given the same ids.
#pragma once

#include <string>

#include "lab/samples.h"

namespace rg::lab {

// RT010 at the first token of `own` that differs from the `base`'s. Both were read.
void require_same_ids(const std::string& name, const Samples& own, const std::string& base_name,
                      const Samples& base, const std::string& hint);

}  // namespace rg::lab
