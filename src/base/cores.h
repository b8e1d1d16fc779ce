// How many threads a program starts unless it is told.
#pragma once

namespace rg {

int effective_threads(int wanted);  // 0: the cores this process may use

}  // namespace rg
