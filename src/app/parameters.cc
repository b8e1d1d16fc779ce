#include "app/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "experiments/intervention_summary.h"

namespace rg::app {
namespace {

// The program's own, whatever the experiments.
struct OwnParameter {
  const char *key, *text;
};
constexpr OwnParameter kOwnParameters[] = {
    {"layers", "measured MoE layers: a JSON array of numbers; default all, or those of --layers"},
    {"models", "several models, measured one after another: a JSON array, instead of --model"},
};

Error bad_parameter(const std::string& key, std::string found, std::string expected) {
  return Error(
      ErrorId::US001,
      {.object = "--parameter " + key, .found = std::move(found), .expected = std::move(expected)});
}

const Json* find(const RunOptions& options, const std::string& key) {
  const auto at = options.experiments.parameters.find(key);
  return at == options.experiments.parameters.end() ? nullptr : &at->second;
}

}  // namespace

std::vector<std::string> parse_experiments(const std::string& text) {
  std::set<std::string> wanted;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    wanted.insert(text.substr(at, comma - at));
    at = comma + 1;
  }
  std::vector<std::string> known, chosen;
  for (const auto& declaration : experiments::all_experiments()) {
    known.push_back(declaration.name);
    const bool of_all = wanted.contains("all") && !declaration.by_name;
    if (wanted.erase(declaration.name) > 0 || of_all) {
      chosen.push_back(declaration.name);
    }
  }
  wanted.erase("all");
  if (!wanted.empty()) {
    throw Error(ErrorId::US001,
                {.object = "experiments",
                 .found = fmt::format("'{}'", *wanted.begin()),
                 .expected = fmt::format("all, or names of {}; suite and intervention each alone",
                                         fmt::join(known, ", "))});
  }
  return chosen;
}

std::pair<std::string, Json> parse_parameter(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorId::US001, {.object = "--parameter",
                                 .found = fmt::format("'{}'", text),
                                 .expected = "key=JSON, such as layers='[4,8,12]'"});
  }
  const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
  try {
    return {key, parse_json(value, JsonLimits{.max_depth = 8, .max_bytes = 1u << 20}, "")};
  } catch (const Error&) {
    // Nested quotes are hard to write in a shell, so a bare word is taken as a string.
    const bool bare = !value.empty() && value.find_first_of("[]{}\"'") == std::string::npos;
    if (bare) return {key, Json(value)};
    throw bad_parameter(key, fmt::format("'{}'", value), "a JSON value");
  }
}

void check_parameter_keys(const RunOptions& options) {
  std::set<std::string> known;
  for (const OwnParameter& own : kOwnParameters) known.insert(own.key);
  if (!options.intervene.empty()) {
    known.erase("models");  // an intervention is of one model
    for (const auto& parameter : experiments::intervention_parameters()) {
      known.insert(parameter.key);
    }
  }
  for (const std::string& name : options.experiments.names) {
    for (const auto& parameter : lab::declaration_of(name).parameters) known.insert(parameter.key);
  }
  for (const auto& [key, value] : options.experiments.parameters) {
    if (known.contains(key)) continue;
    throw Error(ErrorId::US003, {.object = "--parameter",
                                 .found = fmt::format("'{}'", key),
                                 .expected = fmt::format("one of {}", fmt::join(known, ", "))});
  }
}

std::vector<ParameterLine> parameter_lines() {
  std::vector<ParameterLine> lines;
  for (const OwnParameter& own : kOwnParameters) lines.push_back({own.key, {}, own.text});
  const size_t first = lines.size();
  for (const auto& declaration : experiments::all_experiments()) {
    for (const experiments::Parameter& parameter : declaration.parameters) {
      const auto at = std::find_if(lines.begin() + static_cast<ptrdiff_t>(first), lines.end(),
                                   [&](const auto& line) { return line.key == parameter.key; });
      if (at != lines.end()) {
        at->experiments.push_back(declaration.name);
        continue;
      }
      lines.push_back({parameter.key,
                       {declaration.name},
                       fmt::format("{}: {}; default {}", parameter.help,
                                   experiments::accepted_values(parameter),
                                   experiments::default_value(parameter))});
    }
  }
  return lines;
}

std::vector<std::string> chosen_models(const RunOptions& options) {
  const Json* list = find(options, "models");
  if ((list == nullptr) == options.model.empty()) {
    throw Error(ErrorId::US001, {.object = "--model",
                                 .found = list == nullptr ? "none" : "also --parameter models",
                                 .expected = "one of them"});
  }
  if (list == nullptr) return {options.model};
  std::vector<std::string> models;
  if (list->is_array()) {
    for (const Json& item : *list) {
      if (item.is_string()) models.push_back(item.get<std::string>());
    }
  }
  const std::set<std::string> distinct(models.begin(), models.end());
  if (models.empty() || models.size() != list->size() || distinct.size() != models.size()) {
    throw bad_parameter("models", write_json(*list, JsonLayout::compact),
                        "a JSON array of distinct models");
  }
  return models;
}

std::optional<std::vector<int>> chosen_layers(const RunOptions& options) {
  const Json* list = find(options, "layers");
  if (list == nullptr) return options.layers;
  if (options.layers) {
    throw bad_parameter("layers", "also --layers", "one of them");
  }
  constexpr int kLargest = 100'000;
  std::set<int> layers;
  if (list->is_array()) {
    for (const Json& item : *list) {
      if (item.is_number_integer() && item >= 0 && item <= kLargest) layers.insert(item.get<int>());
    }
  }
  if (layers.empty() || layers.size() != list->size()) {
    throw bad_parameter("layers", write_json(*list, JsonLayout::compact),
                        "a JSON array of distinct layer numbers");
  }
  return std::vector<int>(layers.begin(), layers.end());
}

lab::PassSettings pass_settings(const RunOptions& options) {
  return {.layers = chosen_layers(options),
          .engine = options.engine,
          .experiments = options.experiments};
}

}  // namespace rg::app
