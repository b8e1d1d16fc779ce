// JSON, strictly: UTF-8 only, no byte order mark, no duplicate keys, no NaN or Infinity, no number
// that overflows a double, bounded depth and size, nothing after the value. nlohmann does the
// parsing. An integer beyond int64 and uint64 becomes a double, as in nlohmann's reader; a caller
// that needs an integer checks the type.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_fwd.h"

namespace rg {

// Errors name `file`: JS001 with byte offset and escaped context, JS002 with the key and both
// offsets, JS003 for a number beyond double, JS004 for depth and size. Linear in the text.
Json parse_json(std::string_view text, const JsonLimits& limits, const std::string& file);

// Receives the events of a document too large to hold as a tree. An offset is that of the value's
// first byte, from the start of the text. To refuse a value, throw rg::Error.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void null(size_t offset) = 0;
  virtual void boolean(bool value, size_t offset) = 0;
  virtual void integer(int64_t value, size_t offset) = 0;            // negative
  virtual void unsigned_integer(uint64_t value, size_t offset) = 0;  // zero and above
  virtual void real(double value, size_t offset) = 0;
  virtual void string(std::string& value, size_t offset) = 0;
  virtual void key(std::string& value, size_t offset) = 0;  // receiver checks for duplicates
  virtual void start_object(size_t offset) = 0;
  virtual void end_object(size_t offset) = 0;
  virtual void start_array(size_t offset) = 0;
  virtual void end_array(size_t offset) = 0;
};
void scan_json(std::string_view text, const JsonLimits& limits, const std::string& file,
               JsonEvents& events);

// Every word outside of strings becomes its replacement: spellings of other writers, such as
// Python's NaN and Infinity. False if there is none.
using WordReplacement = std::pair<std::string_view, std::string_view>;
bool replace_bare_words(std::string& text, std::span<const WordReplacement> words);

// JS002 with both offsets, for receivers that find a duplicate.
[[noreturn]] void throw_duplicate_key(const std::string& file, std::string_view key, size_t first,
                                      size_t second);

// Text of a value: numbers by std::to_chars (shortest that reads back exactly, -0 as 0), strings
// by nlohmann (bytes that are not UTF-8 become U+FFFD), '\n' line ends, none at the end. Indented:
// two spaces, arrays of scalars on one line. Hidden characters (is_hidden) are written as \uXXXX. A
// non-finite number is an internal error (RT070).
enum class JsonLayout { compact, indented };
std::string write_json(const Json& value, JsonLayout layout);

// The form that digests are computed from: keys in byte order, no spaces, numbers as above, no
// character escaped but C0.
std::string canonical_json(const Json& value);

}  // namespace rg
