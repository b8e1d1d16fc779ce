#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"
#include "app/units.h"

namespace rg::app {

namespace {

void add_comparison_options(CLI::App& command, AgreeOptions& options) {
  const char* text = "Tokens and statistics";
  command
      .add_option("--tokens", options.tokens,
                  std::string("token ids of logs, and what models are run on: ") + kLogTokensHelp)
      ->type_name("FILE")
      ->group(text);
  command
      .add_option("--model", options.model,
                  "the model that logs are of, for names of layers and the rule of the gate, where "
                  "neither A nor B is a model; no weight is read")
      ->type_name("MODEL")
      ->group(text);
  command.add_option("--seed", options.seed, "of resamples and of noise")
      ->type_name("N")
      ->capture_default_str()
      ->group(text);
  command
      .add_option("--bootstrap", options.bootstrap,
                  "resamples of sequences for the intervals, 200 to 100000")
      ->type_name("N")
      ->capture_default_str()
      ->group(text);
}

void add_model_options(CLI::App& command, AgreeOptions& options, std::string& compute,
                       std::string& memory) {
  const char* engine = "Engine";
  command
      .add_option("--compute", compute,
                  "number format of a model's matrix products: auto, bf16 or f32")
      ->type_name("TYPE")
      ->capture_default_str()
      ->group(engine);
  command
      .add_option("--memory", memory,
                  "budget in bytes of a pass over a model (default what is available)")
      ->type_name("SIZE")
      ->group(engine);
  command
      .add_option("--threads", options.engine.threads, "workers, 1 to 1024 (default one per core)")
      ->type_name("N")
      ->group(engine);
}

}  // namespace

AgreeCommandLine::AgreeCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "agree", "Compare two routings of the same tokens, and tell noise from faults");
  const char* side =
      "a routing log, as import reads it, or a model: a folder, or ORG/NAME[@REVISION]";
  command_->add_option("a", options_.a, side)->type_name("A")->required();
  command_->add_option("b", options_.b, side)->type_name("B")->required();
  add_comparison_options(*command_, options_);
  add_log_reading(*command_, options_, reading_);
  add_model_options(*command_, options_, compute_, memory_);
  command_->add_flag("--json", options_.json, "print JSON, for programs")->group("Output");
  command_->footer(R"(
Exit codes: 0 NUMERICAL, or all sets equal, or no verdict possible and no fault found; 1 BUG or
UNDECIDED, or a fault found without a verdict; 2 usage; 3 model refused; 4 disk, permissions;
5 memory; 6 not readable as a log, or logs of other tokens.

Examples:
  routegauge agree routed_experts.npy Qwen/Qwen3-30B-A3B --tokens ids.json
  routegauge agree log_of_one_engine log_of_another
  routegauge agree MODEL MODEL-4bit --tokens ids.json)");
}

std::optional<Command> AgreeCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  AgreeOptions options = options_;
  finish_log_reading(options, reading_);
  options.engine.compute = one_of(compute_, {"auto", "bf16", "f32"}, "--compute");
  if (!memory_.empty()) options.engine.memory_bytes = parse_size(memory_, "--memory");
  if (options.engine.threads < 0 || options.engine.threads > 1024) {
    throw usage_error("--threads", std::to_string(options.engine.threads), "1 to 1024");
  }
  if (options.bootstrap < 200 || options.bootstrap > 100000) {
    throw usage_error("--bootstrap", std::to_string(options.bootstrap), "200 to 100000");
  }
  return options;
}

}  // namespace rg::app
