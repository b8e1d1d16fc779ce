// Wrong models: each mutant sets one field of a bound model otherwise than the family does. A
// mutant that no golden comparison notices is a field that nothing tests.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/model.h"

namespace rg::stream {

struct Mutant {
  std::string name;
  std::function<bool(model::Model&)>
      change;  // false: this model already is so, or has no such part
};

const std::vector<Mutant>& all_mutants();

}  // namespace rg::stream
