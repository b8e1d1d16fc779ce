// How much memory the program's own objects have from operator new.
#pragma once

#include <cstddef>

namespace rg::experiments::testing {

size_t live_bytes();

}  // namespace rg::experiments::testing
