// One record of a .jsonl file: the text of one field of a JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/windows.h"

namespace rg::text {

inline constexpr size_t kMaxLineBytes = size_t{64} << 20;

struct LinePlace {
  const std::string& file;
  uint64_t line;    // from 1
  uint64_t offset;  // of the line in the decoded file
};

// What reading records had to overlook.
struct RecordCounts {
  uint64_t byte_order_marks = 0;  // at the start of a line
  uint64_t replaced = 0;          // invalid sequences, by U+FFFD
  uint64_t non_finite =
      0;  // records with NaN or Infinity, which aren't JSON but what Python writes
};

// The field's text. Only this field is looked at: what the others hold, and whether a key in them
// comes twice, changes no text. CO004 if the line is no JSON object or the field is missing, there
// twice or no text; CO003 under Utf8Policy::refuse for invalid UTF-8, lone surrogates and NUL;
// otherwise each becomes U+FFFD.
std::string read_record(std::string_view line, const LinePlace& place, const std::string& field,
                        Utf8Policy policy, RecordCounts& counts);

// What a file that may be JSON lines starts with, judged by its first line that isn't blank.
enum class FirstLine { record, object, open_object, array, text };
// record: an object with a text in `field`; object: another one; open_object: a '{' whose line
// isn't one object; text: neither '{' nor '[' first.
FirstLine judge_first_line(std::string_view line, const std::string& field);

[[noreturn]] void refuse_line(const LinePlace& place, std::string found, std::string expected,
                              std::string hint);

}  // namespace rg::text
