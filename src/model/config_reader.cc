#include "model/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace rg::model {
namespace {

const std::string kFile = "config.json";
const std::string kClassDefault = "class default";
constexpr size_t kShownBytes = 256;  // of a value, whole in a message

std::string shown(const Json& value) { return escape_for_terminal(value.dump()); }

}  // namespace

std::optional<double> tagged_float(const Json& value) {
  if (!value.is_object() || value.size() != 1 || !value.contains("__float__")) return std::nullopt;
  const Json& name = value.at("__float__");
  if (name == "Infinity") return std::numeric_limits<double>::infinity();
  if (name == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (name == "NaN") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

void refuse_leftovers(std::vector<Leftover> leftovers) {
  if (leftovers.empty()) return;
  std::set<std::string> seen;  // an object that is read twice leaves its keys twice
  std::erase_if(leftovers, [&](const Leftover& left) { return !seen.insert(left.key).second; });
  constexpr size_t kNamed = 100, kValueBytes = 60;
  const bool alone = leftovers.size() == 1;
  const bool any_unknown = std::any_of(leftovers.begin(), leftovers.end(),
                                       [](const Leftover& left) { return left.known.empty(); });
  std::string found = alone ? leftovers[0].value : fmt::format("{} keys: ", leftovers.size());
  for (size_t i = 0; !alone && i < std::min(leftovers.size(), kNamed); ++i) {
    const Leftover& left = leftovers[i];
    const bool fits = left.value.size() <= kValueBytes;
    found += fmt::format("{}{} = {}", i == 0 ? "" : ", ", escape_for_terminal(left.key),
                         fits ? left.value : "…");
    if (!left.known.empty()) found += fmt::format(" (known: {})", left.known);
  }
  if (leftovers.size() > kNamed) found += fmt::format(", and {} more", leftovers.size() - kNamed);
  throw Error(
      ErrorId::CF004,
      {.file = kFile,
       .object = leftovers[0].key,
       .found = found,
       .expected = alone && !any_unknown
                       ? leftovers[0].known + ": no other value is known to change nothing"
                       : "only keys and values whose meaning is known for this family",
       .hint = any_unknown
                   ? "An unknown key may change the forward pass, so the model isn't measured. The "
                     "model's own code shows what the key does; a later release may know it."
                   : "Another value asks for a forward pass that this program doesn't compute."});
}

ConfigReader::ConfigReader(const Json& object, std::string path, std::vector<Origin>& origins)
    : object_(object), path_(std::move(path)), origins_(origins) {}

uint32_t ConfigReader::count(std::string_view key, std::string_view field) {
  const Json& value = required(key);
  const uint32_t read = as_count(key, value);
  keep(key, field, value);
  return read;
}

bool ConfigReader::flag(std::string_view key, std::string_view field) {
  const Json& value = required(key);
  const bool read = as_flag(key, value);
  keep(key, field, value);
  return read;
}

double ConfigReader::real(std::string_view key, std::string_view field) {
  const Json& value = required(key);
  const double read = as_real(key, value);
  keep(key, field, value);
  return read;
}

std::string ConfigReader::text(std::string_view key, std::string_view field) {
  const Json& value = required(key);
  const std::string read = as_text(key, value);
  keep(key, field, value);
  return read;
}

uint32_t ConfigReader::count_or(std::string_view key, std::string_view field, uint32_t otherwise) {
  if (has(key)) return count(key, field);
  keep_default(field, otherwise);
  return otherwise;
}

bool ConfigReader::flag_or(std::string_view key, std::string_view field, bool otherwise) {
  if (has(key)) return flag(key, field);
  keep_default(field, otherwise);
  return otherwise;
}

double ConfigReader::real_or(std::string_view key, std::string_view field, double otherwise) {
  if (const Json* value = find(key)) {
    const double read = as_real(key, *value);
    keep(key, field, *value);
    return read;
  }
  keep_default(field, otherwise);
  return otherwise;
}

std::string ConfigReader::text_or(std::string_view key, std::string_view field,
                                  std::string_view otherwise) {
  if (has(key)) return text(key, field);
  keep_default(field, std::string(otherwise));
  return std::string(otherwise);
}

std::optional<uint32_t> ConfigReader::count_if(std::string_view key, std::string_view field) {
  const Json* value = find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const uint32_t read = as_count(key, *value);
  keep(key, field, *value);
  return read;
}

std::optional<double> ConfigReader::real_if(std::string_view key, std::string_view field) {
  const Json* value = find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const double read = as_real(key, *value);
  keep(key, field, *value);
  return read;
}

const Json* ConfigReader::object_if(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_object()) refuse(key, shown(*value), "an object or null", "");
  return value;
}

const Json* ConfigReader::value_if(std::string_view key) {
  const Json* value = find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool ConfigReader::has(std::string_view key) const { return object_.contains(key); }

void ConfigReader::state(std::string_view field, std::string value, std::string source) {
  if (field.empty()) return;
  origins_.push_back({std::string(field), std::move(value), std::move(source)});
}

void ConfigReader::refuse(std::string_view key, std::string found, std::string expected,
                          std::string hint) const {
  throw Error(ErrorId::CF002,
              {.file = kFile,
               .object = full_name(key),
               .found = found.size() > kShownBytes ? escape_for_terminal(found) : std::move(found),
               .expected = std::move(expected),
               .hint = std::move(hint)});
}

void ConfigReader::collect_leftovers(std::span<const KnownKey> known_to_family,
                                     std::vector<Leftover>& leftovers) const {
  for (const auto& [key, value] : object_.items()) {
    if (read_.contains(key)) continue;
    const auto own =
        std::find_if(known_to_family.begin(), known_to_family.end(),
                     [&key = key](const KnownKey& known) { return known.name == key; });
    const std::optional<Harmless> when = own != known_to_family.end() ? own->harmless
                                         : path_.empty() || path_ == "text_config"
                                             ? bookkeeping_key(key)
                                             : std::nullopt;
    if (when && is_harmless(*when, value)) continue;
    leftovers.push_back(
        {full_name(key), shown(value), when ? std::string(harmless_values(*when)) : ""});
  }
}

const Json* ConfigReader::find(std::string_view key) {
  read_.emplace(key);
  const auto at = object_.find(key);
  return at == object_.end() ? nullptr : &*at;
}

const Json& ConfigReader::required(std::string_view key) {
  if (const Json* value = find(key)) return *value;
  throw Error(ErrorId::CF003, {.file = kFile,
                               .object = full_name(key),
                               .found = "no such key",
                               .expected = "it, since it decides what is computed",
                               .hint = "Nothing is assumed in its place. Fetch the original "
                                       "config.json."});
}

uint32_t ConfigReader::as_count(std::string_view key, const Json& value) const {
  if (value.is_number_unsigned() && value.get<uint64_t>() <= kMaxCount) {
    return value.get<uint32_t>();
  }
  refuse(key, shown(value), fmt::format("an integer from 0 to {}, written as one", kMaxCount), "");
}

double ConfigReader::as_real(std::string_view key, const Json& value) const {
  if (const auto tagged = tagged_float(value)) return *tagged;
  if (!value.is_number()) refuse(key, shown(value), "a number", "");
  return value.get<double>();
}

bool ConfigReader::as_flag(std::string_view key, const Json& value) const {
  if (!value.is_boolean()) refuse(key, shown(value), "true or false", "");
  return value.get<bool>();
}

std::string ConfigReader::as_text(std::string_view key, const Json& value) const {
  if (!value.is_string()) refuse(key, shown(value), "a string", "");
  return value.get<std::string>();
}

void ConfigReader::keep(std::string_view key, std::string_view field, const Json& value) {
  state(field,
        value.is_string() ? value.get<std::string>() : write_json(value, JsonLayout::compact),
        kFile + ": " + full_name(key));
}

void ConfigReader::keep_default(std::string_view field, const Json& value) {
  state(field,
        value.is_string() ? value.get<std::string>() : write_json(value, JsonLayout::compact),
        kClassDefault);
}

std::string ConfigReader::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
}

}  // namespace rg::model
