#include "experiments/parameter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/error.h"

namespace rg::experiments {
namespace {

// What one alternative accepts: its text, its default's text, and the value that applies.
std::string text_of(const IntegerValues& values) {
  return fmt::format("an integer from {} to {}", values.low, values.high);
}
std::string text_of(const WordValues& values) {
  return fmt::format("{}", fmt::join(values.words, " or "));
}
std::string text_of(const FlagValues&) { return "true or false"; }
std::string text_of(const LayerValues&) {
  return "a JSON array of distinct measured layers, not empty";
}
std::string text_of(const PromptValues&) {
  return "a JSON array of strings, or the name of a file that holds one";
}

std::string otherwise_of(const IntegerValues& values) {
  return fmt::format("{}", values.otherwise);
}
std::string otherwise_of(const WordValues& values) { return values.words.front(); }
std::string otherwise_of(const FlagValues& values) { return values.otherwise ? "true" : "false"; }
std::string otherwise_of(const LayerValues&) { return "every measured one"; }
std::string otherwise_of(const PromptValues&) { return "the published ones"; }

using Layers = std::vector<int>;

// Nothing if the value isn't accepted. `given` is null if there is none.
std::optional<Json> value_of(const IntegerValues& values, const Json* given, const Layers&) {
  if (given == nullptr) return values.otherwise;
  const bool good = given->is_number_integer() && *given >= values.low && *given <= values.high;
  return good ? std::optional(*given) : std::nullopt;
}
std::optional<Json> value_of(const WordValues& values, const Json* given, const Layers&) {
  if (given == nullptr) return values.words.front();
  const bool good =
      std::find(values.words.begin(), values.words.end(), *given) != values.words.end();
  return good ? std::optional(*given) : std::nullopt;
}
std::optional<Json> value_of(const FlagValues& values, const Json* given, const Layers&) {
  if (given == nullptr) return values.otherwise;
  return given->is_boolean() ? std::optional(*given) : std::nullopt;
}
std::optional<Json> value_of(const LayerValues&, const Json* given, const Layers& measured) {
  if (given == nullptr) return measured;
  if (!given->is_array() || given->empty()) return std::nullopt;
  std::set<int> layers;
  for (const Json& item : *given) {
    const bool known = item.is_number_integer() &&
                       std::find(measured.begin(), measured.end(), item) != measured.end();
    if (!known || !layers.insert(item.get<int>()).second) return std::nullopt;
  }
  return layers;
}
std::optional<Json> value_of(const PromptValues&, const Json*, const Layers&) {
  check_internal(false, "the program reads prompts");
  return std::nullopt;
}

}  // namespace

Parameter bootstrap_parameter() {
  return {.key = "bootstrap",
          .help = "resamples for the intervals",
          .values = IntegerValues{.low = 200, .high = 100'000, .otherwise = 2000}};
}

std::string accepted_values(const Parameter& parameter) {
  return std::visit([](const auto& values) { return text_of(values); }, parameter.values);
}

std::string default_value(const Parameter& parameter) {
  return std::visit([](const auto& values) { return otherwise_of(values); }, parameter.values);
}

std::map<std::string, Json> effective_parameters(const std::vector<Parameter>& parameters,
                                                 const std::map<std::string, Json>& given,
                                                 const std::vector<int>& measured_layers) {
  std::vector<std::string> known;
  std::map<std::string, Json> effective;
  for (const Parameter& parameter : parameters) {
    if (parameter.is_input()) continue;
    known.push_back(parameter.key);
    const auto at = given.find(parameter.key);
    const Json* value = at == given.end() ? nullptr : &at->second;
    auto applies =
        std::visit([&](const auto& values) { return value_of(values, value, measured_layers); },
                   parameter.values);
    if (!applies) {
      throw Error(ErrorId::US003, {.object = "--parameter " + parameter.key,
                                   .found = write_json(*value, JsonLayout::compact),
                                   .expected = accepted_values(parameter)});
    }
    effective.emplace(parameter.key, std::move(*applies));
  }
  for (const auto& [key, value] : given) {
    if (effective.contains(key)) continue;
    throw Error(ErrorId::US003, {.object = "--parameter",
                                 .found = fmt::format("'{}'", key),
                                 .expected = fmt::format("one of {}", fmt::join(known, ", "))});
  }
  return effective;
}

}  // namespace rg::experiments
