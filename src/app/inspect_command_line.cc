#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"

namespace rg::app {

InspectCommandLine::InspectCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "inspect", "Show what a checkpoint is, its gate field by field; reads no weight");
  command_->add_option("model", options_.model, kModelHelp)->required();
  command_->add_flag("--json", options_.json, "print JSON, for programs");
  command_->add_flag("--hash", options_.hash,
                     "also the SHA-256 of every weight file, as the hub shows it (reads them "
                     "whole)");
  command_->add_flag("--allow-regex", options_.allow_regex,
                     "accept a pre-tokenizer pattern that is not on the tested list");
  command_->footer(R"(
Exit codes: 0 done; 3 checkpoint refused; 4 a file cannot be read.

Examples:
  routegauge inspect models/routegauge-tiny-olmoe
  routegauge inspect allenai/OLMoE-1B-7B-0924 --json)");
}

std::optional<Command> InspectCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  return options_;
}

}  // namespace rg::app
