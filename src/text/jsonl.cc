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
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The value of a \uXXXX at `at`, if one is there.
std::optional<unsigned> unicode_escape(std::string_view line, size_t at) {
  if (line.substr(at, 2) != "\\u" || line.size() - at < kEscapeBytes) return std::nullopt;
  unsigned value = 0;
  const char *begin = line.data() + at + 2, *end = line.data() + at + kEscapeBytes;
  const auto [stop, error] = std::from_chars(begin, end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// Where the next \uD8xx without its partner is, from `at` on. Only strings hold backslashes,
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

namespace {

// Takes the text of one field of the top-level object.
class FieldReader final : public JsonEvents {
 public:
  explicit FieldReader(const std::string& field) : field_(field) {}

  void null(size_t) override { value("null"); }
  void boolean(bool, size_t) override { value("boolean"); }
  void integer(int64_t, size_t) override { value("number"); }
  void unsigned_integer(uint64_t, size_t) override { value("number"); }
  void real(double, size_t) override { value("number"); }
  void string(std::string& v, size_t) override {
    if (in_field()) text = std::move(v);
    value("string");
  }
  void key(std::string& v, size_t offset) override {
    if (depth_ != 1) return;
    here_ = v == field_;
    if (!here_) return;
    if (first) second = offset;
    if (!first) first = offset;
  }
  void start_object(size_t) override { open("object"); }
  void end_object(size_t) override { --depth_; }
  void start_array(size_t) override { open("array"); }
  void end_array(size_t) override { --depth_; }

  std::string_view root;                // type of the whole
  std::string_view type;                // of the field's value
  std::optional<std::string> text;      // the field's
  std::optional<size_t> first, second;  // places of the field's key

 private:
  bool in_field() const { return depth_ == 1 && here_; }
  void value(std::string_view kind) {
    if (depth_ == 0) root = kind;
    if (in_field()) type = kind;
    if (depth_ == 1) here_ = false;
  }
  void open(std::string_view kind) {
    value(kind);
    ++depth_;
  }

  const std::string& field_;
  int depth_ = 0;
  bool here_ = false;  // after the field's key
};

// Python's json and pandas write them.
constexpr WordReplacement kNonFinite[] = {
    {"NaN", "null"}, {"-Infinity", "null"}, {"Infinity", "null"}};

// The parser's own words with the line. What its hint says of a file holds for a line, but for two:
// a line ends early where records are spread over several lines.
[[noreturn]] void refuse_json(const LinePlace& place, const ErrorParts& parts, bool at_end) {
  std::string found = parts.found;
  if (!parts.object.empty()) found += fmt::format(" at {} of the line", parts.object);
  refuse_line(place, std::move(found), parts.expected,
              at_end ? "The file was cut here, or a record goes over several lines: "
                       "`jq -c .` writes one on each."
                     : parts.hint);
}

FieldReader scan_record(std::string& line, const LinePlace& place, const std::string& field,
                        RecordCounts& counts) {
  for (bool again = true;;) {
    FieldReader reader(field);
    try {
      scan_json(line, JsonLimits{}, place.file, reader);
      return reader;
    } catch (const Error& error) {
      if (error.id() == ErrorId::JS001 && again && replace_bare_words(line, kNonFinite)) {
        again = false;
        ++counts.non_finite;
        continue;
      }
      const bool at_end = error.id() == ErrorId::JS001 &&
                          error.parts().object == fmt::format("byte {}", line.size());
      refuse_json(place, error.parts(), at_end);
    }
  }
}

}  // namespace

std::string read_record(std::string_view raw, const LinePlace& place, const std::string& field,
                        Utf8Policy policy, RecordCounts& counts) {
  const bool refuse = policy == Utf8Policy::refuse;
  if (const size_t nul = raw.find('\0'); nul != std::string_view::npos)
    not_utf8(place, nul, "a NUL byte");
  if (const auto bad = find_invalid_utf8(raw); bad && refuse) {
    not_utf8(place, *bad, fmt::format("byte 0x{:02x}", static_cast<uint8_t>(raw[*bad])));
  }
  std::string line = replace_invalid_utf8(raw, counts.replaced);
  if (line.starts_with(kByteOrderMark)) {  // says how the file is written, and is no part of it
    line.erase(0, kByteOrderMark.size());
    ++counts.byte_order_marks;
  }
  for (auto lone = find_lone_surrogate(line, 0); lone; lone = find_lone_surrogate(line, *lone)) {
    if (refuse) not_utf8(place, *lone, "the lone surrogate " + line.substr(*lone, kEscapeBytes));
    line.replace(*lone, kEscapeBytes, "\\ufffd");
    ++counts.replaced;
  }
  FieldReader record = scan_record(line, place, field, counts);
  const std::string shown = escape_for_terminal(field);
  if (record.root != "object")
    refuse_line(place, fmt::format("a JSON {}", record.root), "a JSON object",
                "Each line is one record, an object with the text in one of its fields.");
  if (record.second) {
    refuse_line(place,
                fmt::format("field '{}' twice, at bytes {} and {} of the line", shown,
                            *record.first, *record.second),
                "one text", "Readers disagree on which of the two counts. Remove one.");
  }
  if (!record.first) {
    refuse_line(place, fmt::format("no field '{}'", shown), "the record's text",
                "Name the field that holds it with --text-field.");
  }
  if (!record.text) {
    refuse_line(place, fmt::format("a {} in field '{}'", record.type, shown), "a text",
                "Name the field that holds the text with --text-field, or leave the record out.");
  }
  std::string& text = *record.text;
  if (text.find('\0') != std::string::npos) {
    if (refuse) not_utf8(place, 0, "a NUL in the text");
    replace_nuls(text, counts.replaced);
  }
  return std::move(text);
}

FirstLine judge_first_line(std::string_view line, const std::string& field) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const size_t start = line.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (line[start] != '{' && line[start] != '['))
    return FirstLine::text;
  if (line[start] == '[') return FirstLine::array;
  const std::string name = "first line";
  std::string copy(line);
  RecordCounts ignored;
  copy = replace_invalid_utf8(copy, ignored.replaced);
  try {
    const FieldReader reader = scan_record(copy, {name, 1, 0}, field, ignored);
    return reader.text ? FirstLine::record : FirstLine::object;
  } catch (const Error&) {
    return FirstLine::open_object;
  }
}

}  // namespace rg::text
