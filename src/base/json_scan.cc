// The strict reader: nlohmann's SAX parser, plus what it lets through.
#include <fmt/format.h>

#include <array>
#include <cctype>

#include "base/json.h"

namespace rg {
namespace {

constexpr size_t kContextBytes = 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr const char* kOneValue =
    "Remove what follows the value. In JSON lines each record has a line of its own.";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string context(std::string_view text, size_t offset) {
  if (offset >= text.size()) return "the end of the text";
  return '"' + escape_for_terminal(text.substr(offset, kContextBytes)) + '"';
}

[[noreturn]] void refuse(ErrorId id, const std::string& file, std::string_view text, size_t offset,
                         std::string expected, std::string hint) {
  throw Error(id, {.file = file,
                   .object = fmt::format("byte {}", offset),
                   .found = context(text, offset),
                   .expected = std::move(expected),
                   .hint = std::move(hint)});
}

// A non-JSON literal of other writers (NaN, Infinity), if one covers the byte at `offset`.
std::string_view non_finite_word(std::string_view text, size_t offset) {
  for (const std::string_view word : {"-Infinity", "Infinity", "NaN", "-inf", "inf", "nan"}) {
    const size_t from = offset + 1 > word.size() ? offset + 1 - word.size() : 0;
    const size_t at = text.substr(0, offset + word.size()).find(word, from);
    if (at != std::string_view::npos) return word;
  }
  return {};
}

// What went wrong at `offset`, where the text itself tells.
std::string hint_at(std::string_view text, size_t offset) {
  if (offset >= text.size())
    return "The text ends before its value does: it was cut, or is still being written.";
  const std::string_view rest = text.substr(offset);
  const size_t before = text.substr(0, offset).find_last_not_of(" \t\r\n");
  const char previous = before == std::string_view::npos ? '\0' : text[before];
  const char c = rest.front();
  if ((c == '}' || c == ']') && previous == ',') return "Remove the comma before it.";
  if (c == '\'' || previous == '\'')
    return "JSON strings take double quotes. Python's json.dumps writes them, its repr doesn't.";
  if (c == '/' || c == '#') return "JSON has no comments. Remove it.";
  for (const std::string_view word : {"True", "False", "None"}) {
    if (rest.starts_with(word)) return "Python's True, False and None are true, false and null.";
  }
  if (static_cast<unsigned char>(c) < 0x20)
    return "A control character inside a string is written as \\n, \\t or \\u00XX.";
  if (static_cast<unsigned char>(c) >= 0x80) return "JSON is UTF-8. Convert the file, with iconv.";
  return "Correct the text at this place, or get the file again.";
}

// "…parse error at line 1, column 2: syntax error …" -> "syntax error …"
std::string plain_reason(std::string_view what) {
  for (const std::string_view mark : {"column ", "] "}) {
    const size_t at = what.find(mark);
    if (at == std::string_view::npos) continue;
    const size_t colon = mark == "] " ? at : what.find(": ", at);
    if (colon != std::string_view::npos) return std::string(what.substr(colon + 2));
  }
  return std::string(what);
}

// Between two parser events there are only blanks, commas and colons. So a value's first byte is
// found by skipping those after the previous value; its first byte tells where it ends.
class Adapter {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Adapter(std::string_view text, const JsonLimits& limits, const std::string& file,
          JsonEvents& events)
      : text_(text), limits_(limits), file_(file), events_(events) {}

  bool null() {
    events_.null(take(4));
    return true;
  }
  bool boolean(bool value) {
    events_.boolean(value, take(value ? 4 : 5));
    return true;
  }
  bool number_integer(number_integer_t value) {
    const size_t offset = take_number();
    if (value >= 0) {  // "-0"
      events_.unsigned_integer(static_cast<uint64_t>(value), offset);
    } else {
      events_.integer(value, offset);
    }
    return true;
  }
  bool number_unsigned(number_unsigned_t value) {
    events_.unsigned_integer(value, take_number());
    return true;
  }
  bool number_float(number_float_t value, const string_t&) {
    events_.real(value, take_number());
    return true;
  }
  bool string(string_t& value) {
    events_.string(value, take_string());
    return true;
  }
  bool key(string_t& value) {
    events_.key(value, take_string());
    return true;
  }
  bool binary(binary_t&) { return false; }  // not in text
  bool start_object(size_t) {
    events_.start_object(open());
    return true;
  }
  bool end_object() {
    --depth_;
    events_.end_object(take(1));
    return true;
  }
  bool start_array(size_t) {
    events_.start_array(open());
    return true;
  }
  bool end_array() {
    --depth_;
    events_.end_array(take(1));
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    if (error.id == 406) {
      refuse(ErrorId::JS003, file_, text_, start(), "a number within double's range",
             "Write it smaller, or as a string.");
    }
    const size_t offset = std::min(position == 0 ? 0 : position - 1, text_.size());
    const std::string_view word = non_finite_word(text_, offset);
    if (!word.empty()) {
      refuse(ErrorId::JS001, file_, text_, offset, "a JSON value",
             fmt::format("{} is not JSON, though Python writes it; write null.", word));
    }
    const std::string reason = plain_reason(error.what());
    const bool rest = reason.find("; expected end of input") != std::string::npos;
    refuse(ErrorId::JS001, file_, text_, offset,
           fmt::format("strict JSON ({})", escape_for_terminal(reason)),
           rest ? kOneValue : hint_at(text_, offset));
  }

  // The parser takes a NUL byte for the end of its input.
  void expect_end() const {
    const size_t offset = start();
    if (offset < text_.size()) {
      refuse(ErrorId::JS001, file_, text_, offset, "nothing after the value", kOneValue);
    }
  }

 private:
  size_t start() const {
    size_t at = end_;
    while (at < text_.size() && (is_blank(text_[at]) || text_[at] == ',' || text_[at] == ':')) ++at;
    return at;
  }
  size_t take(size_t bytes) {
    const size_t offset = start();
    end_ = offset + bytes;
    return offset;
  }
  size_t take_number() {
    const size_t offset = start();
    end_ = text_.find_first_not_of("+-.0123456789eE", offset);
    if (end_ == std::string_view::npos) end_ = text_.size();
    return offset;
  }
  size_t take_string() {
    const size_t offset = start();
    size_t at = offset + 1;
    while (text_[at] != '"') at += text_[at] == '\\' ? size_t{2} : 1;
    end_ = at + 1;
    return offset;
  }
  size_t open() {
    const size_t offset = take(1);
    if (++depth_ > limits_.max_depth) {
      refuse(ErrorId::JS004, file_, text_, offset,
             fmt::format("at most {} levels of nesting", limits_.max_depth),
             "Nothing that is read here nests so deeply. Check where the file came from.");
    }
    return offset;
  }

  std::string_view text_;
  const JsonLimits& limits_;
  const std::string& file_;
  JsonEvents& events_;
  size_t end_ = 0;  // after the last value, key or bracket
  size_t depth_ = 0;
};

}  // namespace

void scan_json(std::string_view text, const JsonLimits& limits, const std::string& file,
               JsonEvents& events) {
  if (text.size() > limits.max_bytes) {
    throw Error(ErrorId::JS004, {.file = file,
                                 .found = fmt::format("{} bytes", text.size()),
                                 .expected = fmt::format("at most {}", limits.max_bytes),
                                 .hint = "Check that this is the file that was meant."});
  }
  if (text.starts_with(kByteOrderMark)) {
    refuse(ErrorId::JS001, file, text, 0, "JSON without a byte order mark",
           "Remove its first three bytes (`tail -c +4`), or save it as UTF-8 without BOM.");
  }
  Adapter adapter(text, limits, file, events);
  const bool complete = nlohmann::json::sax_parse(text.begin(), text.end(), &adapter);
  check_internal(complete, "a JSON text is read to its end or refused");
  adapter.expect_end();
}

bool replace_bare_words(std::string& text, std::span<const WordReplacement> words) {
  std::string replaced;
  size_t kept = 0;  // of `text`, up to here
  bool inside = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') inside = !inside;
    if (inside) {
      if (text[at] == '\\') ++at;
      continue;
    }
    for (const auto& [word, replacement] : words) {
      if (text.compare(at, word.size(), word) != 0) continue;
      replaced.append(text, kept, at - kept).append(replacement);
      kept = at + word.size();
      at = kept - 1;
      break;
    }
  }
  if (kept == 0) return false;
  text = replaced.append(text, kept);
  return true;
}

void throw_duplicate_key(const std::string& file, std::string_view key, size_t first,
                         size_t second) {
  throw Error(ErrorId::JS002,
              {.file = file,
               .object = std::string(key),
               .found = fmt::format("this key at byte {} and again at byte {}", first, second),
               .expected = "every key once per object",
               .hint = "Readers disagree on which one counts; remove one."});
}

}  // namespace rg
