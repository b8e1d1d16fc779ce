#include "base/error.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "base/utf8.h"

namespace rg {
namespace {

struct Row {
  std::string_view name;
  ExitCode code;
  std::string_view meaning;
};

constexpr std::array kRows = {
#define RG_ERROR_ID(id, exit_class, meaning) Row{#id, ExitCode::exit_class, meaning},
#include "base/error_ids.inc"
#undef RG_ERROR_ID
};

const Row& row(ErrorId id) { return kRows[static_cast<size_t>(id)]; }

constexpr size_t kMaxPrintedBytes = 200;
constexpr size_t kMaxPartBytes = 2000;  // of a part that also holds the program's own words
constexpr size_t kMaxPathBytes = 4096;  // in JSON: a path that still opens

std::string escape(std::string_view text, size_t limit) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "…";
    const Utf8Step step = decode_utf8(text, i);
    if (!step.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else if (is_hidden(step.code_point)) {
      const auto value = static_cast<uint32_t>(step.code_point);
      out += value < 0x100 ? fmt::format("\\x{:02x}", value) : fmt::format("\\u{:04x}", value);
    } else {
      out += text.substr(i, step.bytes);
    }
    i += step.bytes;
  }
  return out;
}

std::string compose(ErrorId id, const ErrorParts& parts) {
  std::string line = fmt::format("error[{}]: ", error_name(id));
  for (const std::string& place : {parts.file, parts.object}) {
    if (!place.empty()) line += escape_for_terminal(place) + ": ";
  }
  const std::string found = escape(parts.found, kMaxPartBytes);
  const std::string expected = escape(parts.expected, kMaxPartBytes);
  if (found.empty() && expected.empty()) {
    line += error_meaning(id);
  } else if (expected.empty()) {
    line += "found " + found;
  } else if (found.empty()) {
    line += "expected " + expected;
  } else {
    line += "found " + found + ", expected " + expected;
  }
  line += '.';
  if (!parts.hint.empty()) line += ' ' + escape(parts.hint, kMaxPartBytes);
  return line;
}

// `text`, cut between two characters if it is longer than `limit`.
std::string cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = 0;
  for (size_t next = 0; next <= limit; next += decode_utf8(text, next).bytes) end = next;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace

bool is_hidden(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         c == 0xfeff || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
         c == 0x2028 || c == 0x2029;
}

std::string_view error_name(ErrorId id) { return row(id).name; }
std::string_view error_meaning(ErrorId id) { return row(id).meaning; }
ExitCode error_exit_code(ErrorId id) { return row(id).code; }

Error::Error(ErrorId id, ErrorParts parts)
    : id_(id), parts_(std::move(parts)), line_(compose(id, parts_)) {}

std::string Error::json() const {
  const Json object = {{"id", error_name(id_)},
                       {"file", cut(parts_.file, kMaxPathBytes)},
                       {"object", cut(parts_.object, kMaxPrintedBytes)},
                       {"found", cut(parts_.found, kMaxPartBytes)},
                       {"expected", cut(parts_.expected, kMaxPartBytes)},
                       {"hint", cut(parts_.hint, kMaxPartBytes)}};
  return write_json(object, JsonLayout::compact);
}

std::string escape_for_terminal(std::string_view text) { return escape(text, kMaxPrintedBytes); }

void check_internal(bool holds, std::string_view invariant) {
  if (holds) return;
  throw Error(ErrorId::RT070, {.object = std::string(invariant),
                               .hint = "This is a bug in routegauge; please report it."});
}

}  // namespace rg
