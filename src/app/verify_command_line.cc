#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"
#include "app/units.h"

namespace rg::app {

VerifyCommandLine::VerifyCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "verify", "Recompute and judge artifacts from their files alone, also someone else's");
  command_
      ->add_option("paths", options_.paths,
                   "artifacts, or folders with run.json files; certificates with --model")
      ->required();
  const char* judging = "Judging";
  command_->add_flag("--strict", options_.strict, "unknown members are errors, not warnings")
      ->group(judging);
  command_
      ->add_flag("--convergence", options_.convergence,
                 "also recompute from how many windows on the verdict is settled (slow)")
      ->group(judging);
  command_
      ->add_option("--required-layers", required_layers_,
                   "layers that a claim must hold at, such as 0,3,5-8 (default the artifact's own "
                   "list)")
      ->type_name("LIST")
      ->group(judging);
  command_
      ->add_option("--model", options_.model,
                   "also compare the hashes of all tensors and inputs with this checkpoint: a "
                   "folder, or ORG/NAME[@REVISION]; certificates are checked against it")
      ->type_name("MODEL")
      ->group(judging);
  const char* output = "Output";
  command_->add_flag("--details", options_.shape.details, "everything that was found, by row")
      ->group(output);
  command_
      ->add_flag("--wide", options_.shape.wide,
                 "every column: model, stability, z, replication, windows for 90 % power")
      ->group(output);
  const auto json = command_->add_flag("--json", options_.json, "print JSON, for programs");
  json->group(output);
  command_->add_flag("--csv", options_.csv, "one line per artifact")->excludes(json)->group(output);
  command_->footer(R"(
Exit codes:
  0  every verdict is PASS, HOLDS or REPORTED
  1  some verdict is FAIL, BROKEN, DEGENERATE or INSUFFICIENT
  5  some artifact needs more work than the verifier's limits allow
  6  some artifact is INVALID, or there is none
  4  a file cannot be read

Examples:
  routegauge verify results --details
  routegauge verify run.json --model allenai/OLMoE-1B-7B-0924 --json
  routegauge verify certified --model allenai/OLMoE-1B-7B-0924)");
}

std::optional<Command> VerifyCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  VerifyOptions options = options_;
  if (!required_layers_.empty()) {
    options.required_layers = parse_number_list(required_layers_, "--required-layers");
  }
  return options;
}

}  // namespace rg::app
