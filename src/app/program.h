// The program from its arguments to its exit code: parses, dispatches to one command, and turns
// whatever was thrown into a message on stderr and a number.
#pragma once

namespace rg::app {

int run_program(int argc, char** argv);

}  // namespace rg::app
