#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>

#include "app/command_lines.h"
#include "app/units.h"
#include "logs/readers/reader.h"

namespace rg::app {
namespace {

std::string reader_list() {
  std::string list;
  for (const logs::Reader& reader : logs::readers()) {
    list += (list.empty() ? "" : ", ") + std::string(reader.name);
  }
  return list;
}

// "ids=topk_ids" -> both sides; US001.
std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option,
                                                     const std::string& expected) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw usage_error(option, "'" + text + "'", expected);
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

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
                   "token ids of the log: JSON, an array of ids per sequence, or of objects with "
                   "prompt_token_ids and token_ids; or a .npy file")
      ->type_name("FILE")
      ->group(checking);
  command_->add_option("--threshold", thresholds_, threshold_help())
      ->type_name("NAME=NUMBER")
      ->allow_extra_args(false)
      ->group(checking);
  const char* reading = "Reading";
  command_
      ->add_option("--format", options_.format,
                   "of: " + reader_list() + " (default: what the file looks like)")
      ->type_name("NAME")
      ->group(reading);
  command_
      ->add_option(
          "--field", fields_,
          "what the log calls a field, such as ids=topk_ids; fields: " + logs::field_list())
      ->type_name("FIELD=NAME")
      ->allow_extra_args(false)
      ->group(reading);
  command_
      ->add_option("--layers", layers_,
                   "the model's layers that the log's places stand for, such as 1-26")
      ->type_name("LIST")
      ->group(reading);
  command_
      ->add_option("--axes", axes_,
                   "of arrays: tokens,layers (default for ids) or layers,tokens (default for "
                   "router logits)")
      ->type_name("ORDER")
      ->group(reading);
  command_->add_option("--top-k", options_.top_k, "experts per token, where the log doesn't say")
      ->type_name("K")
      ->group(reading);
  command_
      ->add_option("--experts", options_.experts,
                   "experts of a layer, where neither log nor "
                   "model says")
      ->type_name("E")
      ->group(reading);
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
  const auto check_range = [](const std::optional<uint32_t>& value, const char* option,
                              uint32_t most) {
    if (!value || (*value >= 1 && *value <= most)) return;
    throw usage_error(option, std::to_string(*value), fmt::format("1 to {}", most));
  };
  check_range(options.top_k, "--top-k", logs::kMaxColumns);
  check_range(options.experts, "--experts", 1u << 20);
  if (options.threads < 0 || options.threads > 1024) {
    throw usage_error("--threads", std::to_string(options.threads), "1 to 1024");
  }
  if (!layers_.empty()) options.layers = parse_number_list(layers_, "--layers");
  for (const std::string& field : fields_) {
    const auto [key, value] = split_assignment(field, "--field", "FIELD=NAME");
    if (!logs::field_from_name(key)) {
      throw usage_error("--field", "'" + key + "'", "one of " + logs::field_list());
    }
    options.fields[key] = value;
  }
  for (const std::string& threshold : thresholds_) set_threshold(threshold, options.thresholds);
  if (!axes_.empty()) {
    options.axes = one_of(axes_, {"tokens,layers", "layers,tokens"}, "--axes") == "tokens,layers"
                       ? logs::AxisOrder::tokens_layers
                       : logs::AxisOrder::layers_tokens;
  }
  return options;
}

}  // namespace rg::app
