#include "text/fields.h"

#include <fmt/format.h>

namespace rg::text {

Fields::Fields(const Json& json, std::string where, const std::string& file)
    : json_(json), where_(std::move(where)), file_(file) {
  if (!json_.is_object())
    malformed({}, std::string("a value of type ") + json_.type_name(), "an object");
}

const Json* Fields::optional(std::string_view key) {
  asked_.emplace(key);
  const auto found = json_.find(std::string(key));
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

const Json& Fields::any(std::string_view key) {
  const Json* value = optional(key);
  if (!value) malformed(key, "no value", "a value");
  return *value;
}

bool Fields::boolean(std::string_view key) {
  const Json& value = any(key);
  if (!value.is_boolean())
    malformed(key, std::string("a value of type ") + value.type_name(), "true or false");
  return value.get<bool>();
}

bool Fields::boolean_or(std::string_view key, bool otherwise) {
  return optional(key) ? boolean(key) : otherwise;
}

std::string Fields::text(std::string_view key) {
  const Json& value = any(key);
  if (!value.is_string())
    malformed(key, std::string("a value of type ") + value.type_name(), "a text");
  return value.get<std::string>();
}

const Json& Fields::array(std::string_view key) {
  const Json& value = any(key);
  if (!value.is_array())
    malformed(key, std::string("a value of type ") + value.type_name(), "a list");
  return value;
}

const Json& Fields::object(std::string_view key) {
  const Json& value = any(key);
  if (!value.is_object())
    malformed(key, std::string("a value of type ") + value.type_name(), "an object");
  return value;
}

void Fields::finish() const {
  for (const auto& [key, value] : json_.items()) {
    if (!asked_.contains(key)) {
      unsupported(fmt::format("key '{}'", escape_for_terminal(key)),
                  "only keys whose meaning is known");
    }
  }
}

void Fields::unsupported(std::string found, std::string expected) const {
  throw Error(ErrorId::TK003, {.file = file_,
                               .object = where_,
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = "This tokenizer isn't supported. Tokenise elsewhere and "
                                       "pass the ids with trace --tokens."});
}

void Fields::malformed(std::string_view key, std::string found, std::string expected) const {
  throw Error(ErrorId::TK002, {.file = file_,
                               .object = key.empty() ? where_ : fmt::format("{}.{}", where_, key),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = kTakeAgain});
}

}  // namespace rg::text
