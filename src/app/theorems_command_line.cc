#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string_view>

#include "app/command_lines.h"

namespace rg::app {

TheoremsCommandLine::TheoremsCommandLine(CLI::App& program, int argc, const char* const* argv) {
  command_ = program.add_subcommand(
      "theorems", "What is proved about routers, what checked it, and checks in numbers");
  // All words after it, --help too, are the other program's to read.
  command_->set_help_flag();
  command_->fallthrough(false)->prefix_command();
  options_.arguments.assign(argv + 1, argv + argc);
  const auto word = std::find(options_.arguments.begin(), options_.arguments.end(), "theorems");
  if (word != options_.arguments.end()) options_.arguments.erase(word);
}

std::optional<Command> TheoremsCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  return options_;
}

}  // namespace rg::app
