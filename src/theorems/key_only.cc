#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> key_only_checks() { return {}; }

}  // namespace rg::theorems
