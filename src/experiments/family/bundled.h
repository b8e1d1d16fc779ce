// What the tests that bundle whole artifacts take from them.
#pragma once

#include <string>

#include "base/json.h"

namespace rg::experiments {

// The verdict of an artifact as its summary states it, INSUFFICIENT below 200 windows.
std::string bundled_verdict(const Json& artifact);

inline constexpr const char* kPassVerdict = "PASS";
inline constexpr const char* kFailVerdict = "FAIL";

}  // namespace rg::experiments
