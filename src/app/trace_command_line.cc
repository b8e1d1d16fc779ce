#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"
#include "lab/trace_tensors.h"

namespace rg::app {
namespace {

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> items;
  for (size_t at = 0;;) {
    const size_t comma = text.find(',', at);
    items.push_back(text.substr(at, comma == std::string::npos ? comma : comma - at));
    if (comma == std::string::npos) return items;
    at = comma + 1;
  }
}

// With spaces, so that help can break the line.
std::string tensor_names() {
  std::string names;
  for (const std::string& name : split_commas(lab::trace_tensor_list())) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

}  // namespace

TraceCommandLine::TraceCommandLine(CLI::App& program) {
  pass_.compute = "f32";
  command_ = program.add_subcommand("trace",
                                    "Write what the gates saw and decided, as a safetensors file");
  command_->add_option("--model", options_.model, kModelHelp)->type_name("MODEL")->required();
  command_->add_option("--out", options_.out, "the safetensors file to write")->type_name("FILE");
  command_
      ->add_option("--log", options_.log,
                   "the folder to write a routing log into: ids and weights in the form of import")
      ->type_name("FOLDER");
  command_
      ->add_option("--tokens", options_.tokens_file,
                   "JSON array of equally long arrays of token ids, instead of --domain; no "
                   "tokenizer needed")
      ->type_name("FILE");
  command_->add_option("--tensors", tensors_, "comma-separated, of: " + tensor_names())
      ->type_name("LIST")
      ->capture_default_str();
  add_pass_options(*command_, options_, pass_);
  command_->footer(R"(
Exit codes: 0 done; 2 usage; 3 input refused; 4 disk, permissions; 5 memory; 130, 143 stopped.

Example:
  echo '[[1,2,3,4,5,6,7,8]]' > ids.json
  routegauge trace --model models/routegauge-tiny-olmoe --tokens ids.json --layers 0,7 \
      --tensors router_logits,logits --out trace.safetensors)");
}

std::optional<Command> TraceCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  TraceOptions options = options_;
  finish_pass(options, pass_);
  options.tensors = lab::check_trace_tensors(split_commas(tensors_));
  if (options.out.empty() && options.log.empty()) {
    throw usage_error("trace", "neither --out nor --log", "--out FILE, --log FOLDER, or both");
  }
  const bool tokens = !options.tokens_file.empty();
  if (options.text.domains.size() != (tokens ? 0u : 1u)) {
    throw usage_error(
        "trace",
        fmt::format("{} --domain{}", options.text.domains.size(), tokens ? " and --tokens" : ""),
        "either --tokens FILE or one --domain NAME=PATH");
  }
  return options;
}

}  // namespace rg::app
