#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> moment_ratio_checks() { return {}; }

}  // namespace rg::theorems
