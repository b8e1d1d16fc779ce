#include "lab/version.h"

namespace rg::lab {

std::string program_version() { return RG_VERSION; }
std::string version_text() { return "routegauge " RG_VERSION; }

}  // namespace rg::lab
