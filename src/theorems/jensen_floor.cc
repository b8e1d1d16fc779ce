#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> jensen_floor_checks() { return {}; }

}  // namespace rg::theorems
