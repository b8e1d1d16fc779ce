#include "app/log_options.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/pass_options.h"
#include "app/units.h"

namespace rg::app {
namespace {

std::string reader_list() {
  std::string list;
  for (const logs::Reader& reader : logs::readers()) {
    list += (list.empty() ? "" : ", ") + std::string(reader.name);
  }
  return list;
}

}  // namespace

void add_log_reading(CLI::App& command, LogReading& reading, RawLogReading& raw) {
  const char* group = "Reading";
  command
      .add_option("--format", reading.format,
                  "of: " + reader_list() + " (default: what the file looks like)")
      ->type_name("NAME")
      ->group(group);
  command
      .add_option("--field", raw.fields,
                  "what the log calls a field, such as ids=topk_ids; fields: " + logs::field_list())
      ->type_name("FIELD=NAME")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--layers", raw.layers,
                  "the model's layers that the log's places stand for, such as 1-26")
      ->type_name("LIST")
      ->group(group);
  command
      .add_option("--axes", raw.axes,
                  "of arrays: tokens,layers (default for ids) or layers,tokens (default for "
                  "router logits)")
      ->type_name("ORDER")
      ->group(group);
  command.add_option("--top-k", reading.top_k, "experts per token, where the log doesn't say")
      ->type_name("K")
      ->group(group);
  command
      .add_option("--experts", reading.experts,
                  "experts of a layer, where neither log nor "
                  "model says")
      ->type_name("E")
      ->group(group);
}

void finish_log_reading(LogReading& reading, const RawLogReading& raw) {
  const auto check_range = [](const std::optional<uint32_t>& value, const char* option,
                              uint32_t most) {
    if (!value || (*value >= 1 && *value <= most)) return;
    throw usage_error(option, std::to_string(*value), fmt::format("1 to {}", most));
  };
  check_range(reading.top_k, "--top-k", logs::kMaxColumns);
  check_range(reading.experts, "--experts", 1u << 20);
  if (!raw.layers.empty()) reading.layers = parse_number_list(raw.layers, "--layers");
  for (const std::string& field : raw.fields) {
    const auto [key, value] = split_assignment(field, "--field", "FIELD=NAME");
    if (!logs::field_from_name(key)) {
      throw usage_error("--field", "'" + key + "'", "one of " + logs::field_list());
    }
    reading.fields[key] = value;
  }
  if (!raw.axes.empty()) {
    reading.axes = one_of(raw.axes, {"tokens,layers", "layers,tokens"}, "--axes") == "tokens,layers"
                       ? logs::AxisOrder::tokens_layers
                       : logs::AxisOrder::layers_tokens;
  }
}

logs::ReadOptions read_options(const LogReading& reading,
                               const std::optional<logs::ModelFacts>& model, int threads) {
  return {.format = reading.format,
          .fields = reading.fields,
          .layers = reading.layers,
          .model = model,
          .top_k = reading.top_k,
          .experts = reading.experts,
          .axes = reading.axes,
          .threads = threads};
}

std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option,
                                                     const std::string& expected) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw usage_error(option, "'" + text + "'", expected);
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace rg::app
