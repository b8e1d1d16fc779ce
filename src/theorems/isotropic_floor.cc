#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> isotropic_floor_checks() { return {}; }

}  // namespace rg::theorems
