#include "app/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace rg::app {
namespace {

const std::vector<std::string> kOwnKeys = {"layers", "models", "prompts"};

Error bad_parameter(const std::string& key, std::string found, std::string expected) {
  return Error(
      ErrorId::US001,
      {.object = "--parameter " + key, .found = std::move(found), .expected = std::move(expected)});
}

const Json* find(const RunOptions& options, const std::string& key) {
  const auto at = options.parameters.find(key);
  return at == options.parameters.end() ? nullptr : &at->second;
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
    if (wanted.erase(declaration.name) > 0 || wanted.contains("all")) {
      chosen.push_back(declaration.name);
    }
  }
  wanted.erase("all");
  if (!wanted.empty()) {
    throw Error(ErrorId::US001,
                {.object = "experiments",
                 .found = fmt::format("'{}'", *wanted.begin()),
                 .expected = fmt::format("all, or names of {}", fmt::join(known, ", "))});
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
    // A shell makes quotes inside quotes hard to write: bare words mean themselves.
    const bool bare = !value.empty() && value.find_first_of("[]{}\"'") == std::string::npos;
    if (bare) return {key, Json(value)};
    throw bad_parameter(key, fmt::format("'{}'", value), "a JSON value");
  }
}

void check_parameter_keys(const RunOptions& options) {
  std::set<std::string> known(kOwnKeys.begin(), kOwnKeys.end());
  for (const std::string& name : options.experiments) {
    const auto& keys = declaration_of(name).parameters;
    known.insert(keys.begin(), keys.end());
  }
  for (const auto& [key, value] : options.parameters) {
    if (known.contains(key)) continue;
    throw Error(ErrorId::US003, {.object = "--parameter",
                                 .found = fmt::format("'{}'", key),
                                 .expected = fmt::format("one of {}", fmt::join(known, ", "))});
  }
}

const experiments::Declaration& declaration_of(const std::string& experiment) {
  const auto& all = experiments::all_experiments();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& row) { return row.name == experiment; });
  check_internal(at != all.end(), "experiment names are checked when they are parsed");
  return *at;
}

std::map<std::string, Json> parameters_for(const experiments::Declaration& declaration,
                                           const RunOptions& options) {
  std::map<std::string, Json> known;
  for (const auto& [key, value] : options.parameters) {
    const auto& keys = declaration.parameters;
    const bool own = std::find(kOwnKeys.begin(), kOwnKeys.end(), key) != kOwnKeys.end();
    if (!own && std::find(keys.begin(), keys.end(), key) != keys.end()) known.emplace(key, value);
  }
  return known;
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

}  // namespace rg::app
