// The program from its arguments to its exit code: parses, dispatches to one command, and turns
// whatever was thrown into a message on stderr and a number.
#pragma once

#include <functional>

namespace rg::app {

int run_program(int argc, char** argv);

// What programs of this project share: standard streams, signals and rounding as they must be, then
// `body`; what it throws becomes a message on stderr (JSON if the arguments say --errors=json) and
// the exit code.
using Body = std::function<int(int argc, char** argv)>;
int run_reporting(int argc, char** argv, const Body& body);

}  // namespace rg::app
