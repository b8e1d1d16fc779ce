// What becomes of bytes that are no text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rg::text {

// U+FFFD for each maximal invalid stretch (the Unicode Standard's "substitution of maximal
// subparts", as Python and browsers do it); adds their number to `replaced`.
std::string replace_invalid_utf8(std::string_view bytes, uint64_t& replaced);

// Why these bytes are no text, whatever the policy for single invalid sequences.
struct NotText {
  size_t offset;
  std::string found;
};
// A UTF-16 byte order mark at the start, or a NUL.
std::optional<NotText> find_binary(std::string_view bytes);

// Checks a stream of UTF-8 that comes in pieces.
class Utf8Scanner {
 public:
  // False from the first invalid sequence on; a sequence may be cut between two pieces.
  bool feed(std::string_view piece);
  bool finish() const { return valid_ && tail_.empty(); }

 private:
  std::string tail_;
  bool valid_ = true;
};

}  // namespace rg::text
