// JSON, strictly: UTF-8 only, no duplicate keys, no NaN or Infinity, no number that overflows a
// double, bounded depth and size, nothing behind the value. Parsing itself is nlohmann's.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rg {

using Json = nlohmann::ordered_json;  // keeps the order of keys

struct JsonLimits {
  size_t max_depth = 64;
  uint64_t max_bytes = uint64_t{1} << 30;
};

// Errors name `file`: JS001 with byte offset and escaped context, JS002 with the key and both
// offsets, JS003, JS004.
Json parse_json(std::string_view text, const JsonLimits& limits, const std::string& file);

// The receiver of a document too large to hold as a tree. Offsets are bytes from the start.
// Returning is enough; to refuse, throw rg::Error.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void null(size_t offset) = 0;
  virtual void boolean(bool value, size_t offset) = 0;
  virtual void integer(int64_t value, size_t offset) = 0;
  virtual void unsigned_integer(uint64_t value, size_t offset) = 0;
  virtual void real(double value, size_t offset) = 0;
  virtual void string(std::string& value, size_t offset) = 0;
  virtual void key(std::string& value, size_t offset) = 0;  // duplicates are the receiver's to find
  virtual void start_object(size_t offset) = 0;
  virtual void end_object(size_t offset) = 0;
  virtual void start_array(size_t offset) = 0;
  virtual void end_array(size_t offset) = 0;
};
void scan_json(std::string_view text, const JsonLimits& limits, const std::string& file,
               JsonEvents& events);

// Text of a value: numbers by std::to_chars (shortest that reads back exactly, -0 as 0), strings
// by nlohmann, '\n' line ends; non-finite numbers are our bug (RT070).
enum class JsonLayout { compact, indented };
std::string write_json(const Json& value, JsonLayout layout);

// The form that digests are taken of: keys in byte order, no spaces, numbers as above.
std::string canonical_json(const Json& value);

}  // namespace rg
