#include "text/byte_alphabet.h"

#include <array>

#include "base/utf8.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

constexpr char32_t kFirstShifted = 0x100;
constexpr size_t kShifted = 68;

constexpr bool is_own_letter(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Alphabet {
  std::array<char32_t, 256> letters{};
  std::array<uint8_t, kShifted> shifted{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  size_t next = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (is_own_letter(byte)) {
      alphabet.letters[byte] = byte;
    } else {
      alphabet.letters[byte] = kFirstShifted + static_cast<char32_t>(next);
      alphabet.shifted[next++] = static_cast<uint8_t>(byte);
    }
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t letter_of_byte(uint8_t byte) noexcept { return kAlphabet.letters[byte]; }

std::optional<uint8_t> byte_of_letter(char32_t letter) noexcept {
  if (letter < 256) {
    if (!is_own_letter(letter)) return std::nullopt;
    return static_cast<uint8_t>(letter);
  }
  if (letter >= kFirstShifted + kShifted) return std::nullopt;
  return kAlphabet.shifted[letter - kFirstShifted];
}

std::optional<std::string> bytes_of_token(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t i = 0; i < token.size();) {
    const Utf8Step step = decode_utf8(token, i);
    if (!step.valid) return std::nullopt;
    const auto byte = byte_of_letter(step.code_point);
    if (!byte) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
    i += step.bytes;
  }
  return bytes;
}

std::string token_of_byte(uint8_t byte) {
  std::string token;
  append_utf8(token, letter_of_byte(byte));
  return token;
}

}  // namespace rg::text
