// What the program calls itself.
#pragma once

#include <string>

namespace rg::lab {

std::string program_version();  // "0.1.0"
std::string version_text();     // "routegauge 0.1.0"

}  // namespace rg::lab
