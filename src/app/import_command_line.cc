#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>

#include "app/command_lines.h"
#include "app/log_options.h"

namespace rg::app {
namespace {

void set_threshold(const std::string& text, logs::Thresholds& thresholds) {
  std::string names;
  for (const logs::ThresholdRow& row : logs::threshold_rows()) {
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  const auto [key, value] = split_assignment(text, "--threshold", "NAME=NUMBER");
  for (const logs::ThresholdRow& row : logs::threshold_rows()) {
    if (row.name != key) continue;
    double number = 0;
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failure != std::errc() || end != value.data() + value.size() || !(number >= 0)) {
      throw usage_error("--threshold", "'" + text + "'", "a number from 0 up");
    }
    thresholds.*row.value = number;
    return;
  }
  throw usage_error("--threshold", "'" + key + "'", "one of " + names);
}

std::string threshold_help() {
  std::string help = "a limit of the checks, as NAME=NUMBER; the defaults are";
  const logs::Thresholds defaults;
  for (const logs::ThresholdRow& row : logs::threshold_rows()) {
    help += fmt::format(" {}={}", row.name, defaults.*row.value);
  }
  return help;
}

}  // namespace

ImportCommandLine::ImportCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "import", "Read a routing log of an engine or a script, check it, and write it in one form");
  command_->add_option("file", options_.file, "the log, or a folder with routing.safetensors")
      ->type_name("FILE")
      ->required();
  const char* writing = "Writing";
  command_
      ->add_option("--out", options_.out, "write the log in the normalised form into this folder")
      ->type_name("FOLDER")
      ->group(writing);
  command_
      ->add_option("--clean", options_.clean,
                   "check, and write the log without the rows that checks name into this folder")
      ->type_name("FOLDER")
      ->group(writing);
  const char* checking = "Checking";
  command_->add_flag("--check", options_.check, "look for what is wrong with the log")
      ->group(checking);
  command_
      ->add_option("--model", options_.model,
                   "the model that the log is of, for checks that compare with it and for names of "
                   "layers: a folder, a config.json, or ORG/NAME[@REVISION]; no weight is read")
      ->type_name("MODEL")
      ->group(checking);
  command_
      ->add_option("--tokens", options_.tokens,
                   std::string("token ids of the log: ") + kLogTokensHelp)
      ->type_name("FILE")
      ->group(checking);
  command_->add_option("--threshold", thresholds_, threshold_help())
      ->type_name("NAME=NUMBER")
      ->allow_extra_args(false)
      ->group(checking);
  add_log_reading(*command_, options_, reading_);
  command_->add_option("--threads", options_.threads, "workers, 1 to 1024 (default one per core)")
      ->type_name("N")
      ->group("Output and machine");
  command_->add_flag("--json", options_.json, "print JSON, for programs")
      ->group("Output and machine");
  command_->footer(R"(
Exit codes: 0 nothing found; 1 some check found a FAULT or a SUSPECT; 2 usage; 3 model refused;
4 disk, permissions; 6 not readable as a log.

Examples:
  routegauge import routed_experts.npy --check --model Qwen/Qwen3-30B-A3B
  routegauge import moe_routes.jsonl --clean cleaned --field ids=experts --field weights=probs)");
}

std::optional<Command> ImportCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  ImportOptions options = options_;
  if (options.out.empty() && options.clean.empty() && !options.check) {
    throw usage_error("import", "nothing to do", "--check, --out FOLDER or --clean FOLDER");
  }
  finish_log_reading(options, reading_);
  if (options.threads < 0 || options.threads > 1024) {
    throw usage_error("--threads", std::to_string(options.threads), "1 to 1024");
  }
  for (const std::string& threshold : thresholds_) set_threshold(threshold, options.thresholds);
  return options;
}

}  // namespace rg::app
