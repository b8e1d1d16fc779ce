// What an adaptation says it froze, and the hashes of layers that prove it.
#pragma once

#include <string>
#include <vector>

#include "verify/tests.h"

namespace rg::verify {

struct FrozenSets {
  std::vector<int> own;         // of the tuned runs; ascending, not empty
  std::vector<int> comparison;  // of the comparison's runs; part of them, not all
};

// `frozen_set` and `baseline.frozen_set`.
FrozenSets read_frozen_sets(const Case& c);

// `layer_hashes`: for exactly the family's checkpoints and the same layers of each. Frozen layers
// of every run are the base's, some other layer is not; no two runs are equal. `tuned`,
// `compared`: names of the runs.
void check_layer_hashes(const Case& c, const FrozenSets& frozen,
                        const std::vector<std::string>& tuned,
                        const std::vector<std::string>& compared);

}  // namespace rg::verify
