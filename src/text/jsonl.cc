#include "text/jsonl.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/json.h"
#include "base/utf8.h"
#include "text/utf8_policy.h"

namespace rg::text {
namespace {

constexpr size_t kEscapeBytes = 6;  // \uXXXX

// The value of a \uXXXX at `at`, if one stands there.
std::optional<unsigned> unicode_escape(std::string_view line, size_t at) {
  if (line.substr(at, 2) != "\\u" || line.size() - at < kEscapeBytes) return std::nullopt;
  unsigned value = 0;
  const char *begin = line.data() + at + 2, *end = line.data() + at + kEscapeBytes;
  const auto [stop, error] = std::from_chars(begin, end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// Where the next \uD8xx without its partner stands, from `at` on. Only strings hold backslashes,
// so pairs of bytes are enough to find escapes.
std::optional<size_t> find_lone_surrogate(std::string_view line, size_t at) {
  while ((at = line.find('\\', at)) != std::string_view::npos) {
    const auto value = unicode_escape(line, at);
    if (!value) {
      at += 2;
    } else if (*value >= 0xd800 && *value < 0xdc00) {
      const auto next = unicode_escape(line, at + kEscapeBytes);
      if (!next || *next < 0xdc00 || *next > 0xdfff) return at;
      at += 2 * kEscapeBytes;
    } else if (*value >= 0xdc00 && *value <= 0xdfff) {
      return at;
    } else {
      at += kEscapeBytes;
    }
  }
  return std::nullopt;
}

[[noreturn]] void not_utf8(const LinePlace& place, size_t offset, std::string found) {
  throw Error(ErrorId::CO003,
              {.file = place.file,
               .object = fmt::format("line {}, byte {}", place.line, place.offset + offset),
               .found = std::move(found),
               .expected = "UTF-8 text",
               .hint = "Convert the file, or pass --utf8=replace."});
}

void replace_nuls(std::string& text, uint64_t& replaced) {
  std::string clean;
  size_t done = 0;
  for (size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', done)) {
    clean.append(text, done, at - done).append("\xef\xbf\xbd");
    done = at + 1;
    ++replaced;
  }
  if (done == 0) return;
  text = clean.append(text, done);
}

}  // namespace

void refuse_line(const LinePlace& place, std::string found, std::string expected,
                 std::string hint) {
  throw Error(ErrorId::CO004, {.file = place.file,
                               .object = fmt::format("line {}", place.line),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

std::string read_record(std::string_view raw, const LinePlace& place, const std::string& field,
                        Utf8Policy policy, uint64_t& replaced) {
  const bool refuse = policy == Utf8Policy::refuse;
  if (const size_t nul = raw.find('\0'); nul != std::string_view::npos)
    not_utf8(place, nul, "a NUL byte");
  if (const auto bad = find_invalid_utf8(raw); bad && refuse) {
    not_utf8(place, *bad, fmt::format("byte 0x{:02x}", static_cast<uint8_t>(raw[*bad])));
  }
  std::string line = replace_invalid_utf8(raw, replaced);
  for (auto lone = find_lone_surrogate(line, 0); lone; lone = find_lone_surrogate(line, *lone)) {
    if (refuse) not_utf8(place, *lone, "the lone surrogate " + line.substr(*lone, kEscapeBytes));
    line.replace(*lone, kEscapeBytes, "\\ufffd");
    ++replaced;
  }
  Json record;
  try {
    record = parse_json(line, JsonLimits{}, place.file);
  } catch (const Error& error) {
    refuse_line(place, fmt::format("{} at {}", error.parts().found, error.parts().object),
                "one JSON object",
                "The line is damaged, or the file's last line was cut. Get the file again.");
  }
  if (!record.is_object())
    refuse_line(place, std::string("a ") + record.type_name(), "a JSON object",
                "Each line is one record.");
  const auto value = record.find(field);
  if (value == record.end()) {
    refuse_line(place, fmt::format("no field '{}'", escape_for_terminal(field)),
                "the record's text", "Name the field that holds it with --text-field.");
  }
  if (!value->is_string()) {
    refuse_line(place,
                fmt::format("a {} in field '{}'", value->type_name(), escape_for_terminal(field)),
                "a text", "Name the field that holds the text with --text-field.");
  }
  auto text = value->get<std::string>();
  if (text.find('\0') != std::string::npos) {
    if (refuse) not_utf8(place, 0, "a NUL in the text");
    replace_nuls(text, replaced);
  }
  return text;
}

}  // namespace rg::text
