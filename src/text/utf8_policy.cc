#include "text/utf8_policy.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace rg::text {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Bytes from `at` on that begin some valid sequence but don't complete it, at least 1.
size_t maximal_subpart(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t first = byte(at);
  if (first < 0xc2 || first > 0xf4) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  size_t end = at + 1;
  if (end >= bytes.size() || byte(end) < low || byte(end) > high) return 1;
  while (end < bytes.size() && end - at < length && (byte(end) & 0xc0) == 0x80) ++end;
  return end - at;
}

}  // namespace

std::string replace_invalid_utf8(std::string_view bytes, uint64_t& replaced) {
  std::string text;
  text.reserve(bytes.size());
  while (const auto bad = find_invalid_utf8(bytes)) {
    text += bytes.substr(0, *bad);
    text += kReplacement;
    ++replaced;
    bytes.remove_prefix(*bad + maximal_subpart(bytes, *bad));
  }
  text += bytes;
  return text;
}

std::optional<NotText> find_binary(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")) {
    return NotText{0, "a UTF-16 byte order mark"};
  }
  const size_t nul = bytes.find('\0');
  if (nul != std::string_view::npos) return NotText{nul, "a NUL byte"};
  return std::nullopt;
}

bool Utf8Scanner::feed(std::string_view piece) {
  if (!valid_) return false;
  while (!tail_.empty() && !piece.empty()) {  // at most 3 bytes until the sequence is decided
    tail_ += piece.front();
    piece.remove_prefix(1);
    if (!find_invalid_utf8(tail_)) {
      tail_.clear();
    } else if (maximal_subpart(tail_, 0) < tail_.size() || tail_.size() >= 4) {
      return valid_ = false;
    }
  }
  const auto bad = find_invalid_utf8(piece);
  if (!bad) return true;
  if (*bad + maximal_subpart(piece, *bad) < piece.size() || piece.size() - *bad >= 4) {
    return valid_ = false;
  }
  const auto lead = static_cast<uint8_t>(piece[*bad]);
  if (lead < 0xc2 || lead > 0xf4) return valid_ = false;
  tail_ = piece.substr(*bad);
  return true;
}

}  // namespace rg::text
