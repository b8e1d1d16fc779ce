#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> routing_geometry_checks() { return {}; }

}  // namespace rg::theorems
