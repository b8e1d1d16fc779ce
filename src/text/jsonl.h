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

// The field's text. CO004 if the line is no JSON object or the field is missing or no text; CO003
// under Utf8Policy::refuse for invalid UTF-8, lone surrogates and NUL; otherwise each becomes
// U+FFFD and is added to `replaced`.
std::string read_record(std::string_view line, const LinePlace& place, const std::string& field,
                        Utf8Policy policy, uint64_t& replaced);

[[noreturn]] void refuse_line(const LinePlace& place, std::string found, std::string expected,
                              std::string hint);

}  // namespace rg::text
