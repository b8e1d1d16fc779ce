// The time of day, for names and manifests only: never part of a result.
#pragma once

#include <string>

namespace rg::lab {

std::string utc_now();  // "2025-03-01T09:05:07Z"

}  // namespace rg::lab
