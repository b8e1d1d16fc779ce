#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"
#include "app/parameters.h"
#include "base/wrap.h"
#include "experiments/experiment.h"

namespace rg::app {
namespace {

constexpr size_t kColumns = 100;

std::string experiment_list() {
  std::string list = "\nExperiments:\n";
  for (const auto& declaration : experiments::all_experiments()) {
    const std::string text = declaration.summary + (declaration.by_name ? " Not in `all`." : "");
    list += wrapped(text, fmt::format("  {:<22}  ", declaration.name), 26, kColumns);
  }
  list += "\nParameters, each as --parameter KEY=JSON:\n";
  for (const ParameterLine& line : parameter_lines()) {
    const bool all = line.experiments.size() == experiments::all_experiments().size();
    const std::string of = line.experiments.empty() || all
                               ? ""
                               : fmt::format("{}: ", fmt::join(line.experiments, ", "));
    list += wrapped(of + line.text, fmt::format("  {:<22}  ", line.key), 26, kColumns);
  }
  return list;
}

void add_run_options(CLI::App& command, RawRun& raw) {
  command
      .add_option("experiments", raw.experiments,
                  "comma-separated names, or all; or suite; or intervention")
      ->required();
  command.add_option("--model", raw.options.model, kModelHelp)->type_name("MODEL");
  command
      .add_option(
          "--family", raw.options.family,
          "with suite: the file that names base, descendants, edges, domains and thresholds")
      ->type_name("FILE");
  command
      .add_option(
          "--intervene", raw.options.intervene,
          "with intervention: the file that names experts to mask, force or scale, or routes "
          "to impose")
      ->type_name("FILE");
  command.add_option("--out", raw.options.out, "folder for the results")
      ->type_name("DIR")
      ->default_val(".");
  command
      .add_option("--parameter", raw.parameters,
                  "a setting of an experiment, such as bootstrap=5000; may be repeated (see below)")
      ->type_name("KEY=JSON")
      ->allow_extra_args(false);
  command.add_flag("--overwrite", raw.options.overwrite,
                   "replace the results of another run in --out");
  command.add_flag("--allow-small-T", raw.options.experiments.allow_small_t,
                   "measure windows of fewer than 11 tokens");
  add_pass_options(command, raw.options, raw.pass);
}

// What the family file says must not be said again.
void check_suite(const CLI::App& command, const RunOptions& options) {
  if (options.family.empty()) {
    throw usage_error("--family", "none", "the file of the family that `suite` measures");
  }
  for (const char* option : {"--model", "--domain", "--windows", "--seq-len", "--seed", "--layers",
                             "--parameter", "--allow-small-T", "--nonfinite"}) {
    if (command.get_option(option)->count() == 0) continue;
    throw usage_error(option, "given with suite", "what the family file says");
  }
}

// Of one run with an intervention and no other experiment.
void check_intervention(const RunOptions& options) {
  if (options.intervene.empty()) {
    throw usage_error("--intervene", "none", "the file of the experts that `intervention` touches");
  }
  if (!options.family.empty()) throw usage_error("--family", "given", "`suite` as experiment");
  if (options.engine.nonfinite == stream::NonFinite::record) {
    throw usage_error("--nonfinite", "'record' with intervention",
                      "'stop': both passes need finite weights");
  }
}

RunOptions finish_run(const CLI::App& command, const RawRun& raw) {
  RunOptions options = raw.options;
  finish_pass(options, raw.pass);
  const bool intervenes = raw.experiments == "intervention";
  if (intervenes) check_intervention(options);
  if (!intervenes && !options.intervene.empty()) {
    throw usage_error("--intervene", "given", "`intervention` as the only experiment");
  }
  if (!options.stored_keys.empty()) {
    throw usage_error("--keys", "given", "`audit` in place of experiments");
  }
  if (raw.experiments == "suite") {
    check_suite(command, options);
    return options;
  }
  if (!raw.a.empty()) {
    throw usage_error("plan", fmt::format("'{}' after the experiments", raw.a),
                      "two checkpoints after `audit` alone");
  }
  if (!options.family.empty()) throw usage_error("--family", "given", "`suite` as experiment");
  if (!intervenes) options.experiments.names = parse_experiments(raw.experiments);
  for (const std::string& text : raw.parameters) {
    auto [key, value] = parse_parameter(text);
    if (!options.experiments.parameters.emplace(key, std::move(value)).second) {
      throw usage_error("--parameter", fmt::format("'{}' twice", key), "each key once");
    }
  }
  check_parameter_keys(options);
  return options;
}

}  // namespace

PlanCommandLine::PlanCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "plan",
      "Say what a run would read, compute and need, from headers or a config.json alone; opens no "
      "text");
  add_run_options(*command_, raw_);
  command_->add_option("A", raw_.a, "with `audit` in place of experiments: the reference");
  command_->add_option("B", raw_.b, "and its changed copy");
  add_keys_option(*command_, raw_);
  command_->get_option("experiments")->required(false);  // --power takes none
  add_power_options(*command_, power_);
  command_->add_flag("--json", raw_.options.json, "print JSON, for programs");
  command_->footer(experiment_list() + R"(
Sizes are in bytes (MB is 1e6, MiB 2^20), work in FLOPs, times in seconds.

Exit codes: 0 done; 2 usage; 3 checkpoint refused; 4 a file cannot be read; 5 --memory is too low;
6 an artifact of --power is INVALID, or a routing log refused.

Without weights --model is the folder of a config.json, or that file: the plan then says what it
assumes of tensors, tokenizer and texts.

Examples:
  routegauge plan all --model allenai/OLMoE-1B-7B-0924 --domain prose=texts/ --memory 16G
  routegauge plan all --model DeepSeek-V3/config.json --windows 40
  routegauge plan audit MODEL CHANGED_COPY --domain prose=texts/
  routegauge plan audit MODEL --keys keys.json --domain prose=texts/
  routegauge plan --power pilot
  routegauge plan --power --effect 0.2)");
}

std::optional<Command> PlanCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  if (auto power = chosen_power(*command_, power_, raw_.options.json)) return *power;
  if (raw_.experiments.empty()) {
    throw usage_error("experiments", "none", "experiments of a run, or --power");
  }
  const bool audit = raw_.experiments == "audit";
  PlanOptions options = {audit ? finish_audit(*command_, raw_) : finish_run(*command_, raw_)};
  if (options.run.family.empty() && options.run.text.domains.empty() &&
      !options.run.text.windows.windows) {
    throw usage_error("--domain", "none with --windows all",
                      "at least one --domain NAME=PATH, or a number of windows");
  }
  return options;
}

RunCommandLine::RunCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "run", "Measure in one pass over the weights, write artifacts, verify them");
  add_run_options(*command_, raw_);
  const char* output = "Output";
  command_
      ->add_flag("--details", raw_.options.shape.details,
                 "everything that was found, by row, and every file")
      ->group(output);
  command_
      ->add_flag("--wide", raw_.options.shape.wide,
                 "every column: model, stability, z, replication, windows for 90 % power")
      ->group(output);
  command_->add_flag("--json", raw_.options.json, "print the verdicts as JSON")->group(output);
  command_->footer(experiment_list() + R"(
Exit codes: 0 everything is written, whatever the verdicts (verify turns them into a code);
2 usage, or another run in --out; 3 input refused; 4 disk, permissions, folder in use;
5 memory; 6 a routing log refused; 130, 143 stopped: the same command starts over.

Examples:
  routegauge run all --model MODEL --domain prose=texts/ --domain code=src.jsonl.zst --out results
  routegauge run attention_router --model MODEL --domain prose=texts/ --out results \
      --parameter layers='[4,8,12]'
  routegauge run suite --family family.json --out results
  routegauge run intervention --model MODEL --intervene touch.json \
      --domain prose=texts/ --out results)");
}

std::optional<Command> RunCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  RunOptions options = finish_run(*command_, raw_);
  if (options.family.empty() && options.text.domains.empty()) {
    throw usage_error("--domain", "none", "at least one --domain NAME=PATH");
  }
  return options;
}

}  // namespace rg::app
