#include "theorems/record_reader.h"

#include <fmt/format.h>

#include "base/json.h"

namespace rg::theorems {

Json parse_own_json(const EmbeddedFile& file) {
  try {
    return parse_json(file.bytes, JsonLimits{}, std::string(file.name));
  } catch (const Error& error) {
    check_internal(false, fmt::format("{} is strict JSON ({}: {})", file.name, error.parts().object,
                                      error.parts().found));
    throw;  // never reached
  }
}

RecordReader::RecordReader(const Json& object, std::string place)
    : object_(object), place_(std::move(place)) {
  if (!object_.is_object()) fail("is an object");
}

void RecordReader::fail(const std::string& rule) const {
  check_internal(false, place_ + ": " + rule);
  throw std::logic_error("check_internal(false) throws");
}

void RecordReader::check(bool holds, std::string_view rule) const {
  if (!holds) fail(std::string(rule));
}

const Json& RecordReader::member(std::string_view key) const {
  const auto at = object_.find(key);
  if (at == object_.end()) fail(fmt::format("has a member {}", key));
  read_.emplace(key);
  return *at;
}

std::string RecordReader::text(std::string_view key) const {
  const Json& value = member(key);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    fail(fmt::format("{} is a text", key));
  }
  return value.get<std::string>();
}

std::string RecordReader::text_or_empty(std::string_view key) const {
  return object_.contains(key) ? text(key) : std::string();
}

std::optional<std::string> RecordReader::text_or_null(std::string_view key) const {
  if (member(key).is_null()) return std::nullopt;
  return text(key);
}

std::vector<std::string> RecordReader::texts(std::string_view key) const {
  const Json& value = member(key);
  if (!value.is_array()) fail(fmt::format("{} is an array", key));
  std::vector<std::string> out;
  for (const Json& item : value) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      fail(fmt::format("{}[{}] is a text", key, out.size()));
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

int RecordReader::integer(std::string_view key) const {
  constexpr uint64_t kLargest = 1'000'000'000;
  const Json& value = member(key);
  if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 ||
      value.get<uint64_t>() > kLargest) {
    fail(fmt::format("{} is an integer from 1", key));
  }
  return value.get<int>();
}

std::optional<int> RecordReader::integer_or_null(std::string_view key) const {
  if (member(key).is_null()) return std::nullopt;
  return integer(key);
}

double RecordReader::number(std::string_view key) const {
  const Json& value = member(key);
  if (!value.is_number()) fail(fmt::format("{} is a number", key));
  return value.get<double>();
}

RecordReader RecordReader::record(std::string_view key) const {
  return RecordReader(member(key), fmt::format("{}: {}", place_, key));
}

std::optional<RecordReader> RecordReader::record_or_null(std::string_view key) const {
  if (member(key).is_null()) return std::nullopt;
  return record(key);
}

std::optional<RecordReader> RecordReader::record_if_present(std::string_view key) const {
  if (!object_.contains(key)) return std::nullopt;
  return record(key);
}

std::vector<RecordReader> RecordReader::records(std::string_view key) const {
  const Json& value = member(key);
  if (!value.is_array()) fail(fmt::format("{} is an array", key));
  std::vector<RecordReader> out;
  for (const Json& item : value) {
    out.emplace_back(item, fmt::format("{}: {}[{}]", place_, key, out.size()));
  }
  return out;
}

void RecordReader::check_all_read() const {
  for (auto at = object_.begin(); at != object_.end(); ++at) {
    if (!read_.contains(at.key())) fail("has no member " + at.key());
  }
}

}  // namespace rg::theorems
