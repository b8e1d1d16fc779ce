#include "certificates/members.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace rg::certificates {
namespace {

bool within(const Json& value, int64_t least, int64_t most) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    return number <= static_cast<uint64_t>(INT64_MAX) && static_cast<int64_t>(number) >= least &&
           static_cast<int64_t>(number) <= most;
  }
  return value.get<int64_t>() >= least && value.get<int64_t>() <= most;
}

}  // namespace

std::string shown(const Json& value) {
  return escape_for_terminal(write_json(value, JsonLayout::compact));
}

Members::Members(const Json& object, std::string file, std::string where)
    : object_(&object), file_(std::move(file)), where_(std::move(where)) {
  if (object.is_object()) return;
  throw Error(ErrorId::AR015, {.file = file_,
                               .object = where_.empty() ? "the file" : where_,
                               .found = shown(object),
                               .expected = "an object"});
}

std::string Members::path(const std::string& name) const {
  return where_.empty() ? name : where_ + '.' + name;
}

Error Members::refusal(ErrorId id, const std::string& name, const std::string& found,
                       const std::string& expected) const {
  return Error(id, {.file = file_,
                    .object = path(name),
                    .found = found,
                    .expected = expected,
                    .hint = "docs/artifacts.md describes the file."});
}

const Json& Members::need(const char* name) {
  const auto found = object_->find(name);
  if (found == object_->end()) throw refusal(ErrorId::AR018, name, "no such member", "one");
  read_.insert(name);
  return *found;
}

int64_t Members::integer(const char* name, int64_t least, int64_t most) {
  const Json& value = need(name);
  if (!value.is_number_integer()) {
    throw refusal(ErrorId::AR015, name, shown(value), "a whole number");
  }
  if (!within(value, least, most)) {
    throw refusal(ErrorId::AR017, name, shown(value), fmt::format("{} to {}", least, most));
  }
  return value.get<int64_t>();
}

double Members::number(const char* name) {
  const Json& value = need(name);
  if (!value.is_number()) throw refusal(ErrorId::AR015, name, shown(value), "a number");
  return value.get<double>();
}

std::string Members::text(const char* name) {
  const Json& value = need(name);
  if (!value.is_string()) throw refusal(ErrorId::AR015, name, shown(value), "a text");
  return value.get<std::string>();
}

const Json& Members::array(const char* name) {
  const Json& value = need(name);
  if (!value.is_array()) throw refusal(ErrorId::AR015, name, shown(value), "an array");
  return value;
}

std::vector<double> Members::numbers(const char* name) {
  std::vector<double> out;
  for (const Json& value : array(name)) {
    if (!value.is_number()) throw refusal(ErrorId::AR015, name, shown(value), "numbers");
    out.push_back(value.get<double>());
  }
  return out;
}

std::vector<float> Members::floats(const char* name) {
  std::vector<float> out;
  for (const double value : numbers(name)) {
    const bool fits = std::abs(value) <= double{std::numeric_limits<float>::max()};
    if (!fits || double{static_cast<float>(value)} != value) {
      throw refusal(ErrorId::AR017, name, shown(Json(value)), "fp32 numbers");
    }
    out.push_back(static_cast<float>(value));
  }
  return out;
}

std::vector<int64_t> Members::integers(const char* name, int64_t least, int64_t most) {
  std::vector<int64_t> out;
  for (const Json& value : array(name)) {
    if (!value.is_number_integer()) {
      throw refusal(ErrorId::AR015, name, shown(value), "whole numbers");
    }
    if (!within(value, least, most)) {
      throw refusal(ErrorId::AR017, name, shown(value), fmt::format("{} to {}", least, most));
    }
    out.push_back(value.get<int64_t>());
  }
  return out;
}

std::vector<uint32_t> Members::counts(const char* name, uint32_t below) {
  std::vector<uint32_t> out;
  for (const int64_t value : integers(name, 0, int64_t{below} - 1)) {
    if (!out.empty() && value <= int64_t{out.back()}) {
      throw refusal(ErrorId::AR017, name, fmt::format("{} after {}", value, out.back()),
                    "ascending numbers");
    }
    out.push_back(static_cast<uint32_t>(value));
  }
  return out;
}

std::vector<std::string> Members::texts(const char* name) {
  std::vector<std::string> out;
  for (const Json& value : array(name)) {
    if (!value.is_string()) throw refusal(ErrorId::AR015, name, shown(value), "texts");
    out.push_back(value.get<std::string>());
  }
  return out;
}

Members Members::object(const char* name) { return Members(need(name), file_, path(name)); }

void Members::finish() const {
  for (const auto& [name, value] : object_->items()) {
    if (!read_.contains(name)) throw refusal(ErrorId::AR016, name, shown(value), "no such member");
  }
}

}  // namespace rg::certificates
