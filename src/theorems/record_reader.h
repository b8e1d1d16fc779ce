// Reads the members of one JSON object of the project's own files, each exactly once, by type.
// Anything else (a member missing, of another type, empty, never read) is RT070 with its place.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.h"
#include "base/json_fwd.h"

namespace rg::theorems {

Json parse_own_json(const EmbeddedFile& file);  // RT070 unless strict JSON

class RecordReader {
 public:
  // Keeps a reference to `object`; `place` is for messages: "key-only.json: entries[3]".
  RecordReader(const Json& object, std::string place);

  std::string text(std::string_view key) const;           // not empty
  std::string text_or_empty(std::string_view key) const;  // empty if the member is missing
  std::optional<std::string> text_or_null(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;  // none of them empty
  int integer(std::string_view key) const;                     // from 1
  std::optional<int> integer_or_null(std::string_view key) const;
  double number(std::string_view key) const;  // finite
  RecordReader record(std::string_view key) const;
  std::optional<RecordReader> record_or_null(std::string_view key) const;
  std::optional<RecordReader> record_if_present(std::string_view key) const;
  std::vector<RecordReader> records(std::string_view key) const;

  // The element of `values` whose word_of() equals the member.
  template <typename Values>
  auto one_of(std::string_view key, const Values& values) const {
    const std::string word = text(key);
    for (const auto value : values) {
      if (word == word_of(value)) return value;
    }
    fail(std::string(key) + " has an allowed value, not " + word);
  }

  void check(bool holds, std::string_view rule) const;
  void check_all_read() const;
  const Json& json() const { return object_; }

 private:
  const Json& member(std::string_view key) const;
  [[noreturn]] void fail(const std::string& rule) const;

  const Json& object_;
  std::string place_;
  mutable std::set<std::string, std::less<>> read_;
};

}  // namespace rg::theorems
