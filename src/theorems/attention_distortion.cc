#include "theorems/families.h"

namespace rg::theorems {

std::span<const Check> attention_distortion_checks() { return {}; }

}  // namespace rg::theorems
