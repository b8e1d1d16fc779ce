#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"

namespace rg::app {

DoctorCommandLine::DoctorCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "doctor", "Show what this machine offers: CPU, number formats, libraries, speed");
  command_->add_flag("--json", options_.json, "print JSON, for programs");
  command_->footer(R"(
The speed is that of one matrix product, timed now, in GFLOP/s (1e9 floating-point operations per
second).

Exit codes: 0 done.

Example:
  routegauge doctor)");
}

std::optional<Command> DoctorCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  return options_;
}

}  // namespace rg::app
