// The byte-level alphabet of GPT-2 (Radford et al. 2019): each byte has a printable letter, so
// that a vocabulary of arbitrary bytes can be written as JSON text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rg::text {

// Bytes 33..126, 161..172 and 174..255 are their own letters; the other 68, in ascending order,
// take U+0100, U+0101, ... (space: U+0120).
char32_t letter_of_byte(uint8_t byte) noexcept;
std::optional<uint8_t> byte_of_letter(char32_t letter) noexcept;

// The bytes that a token's letters stand for; none if some character is no letter of the alphabet
// or the token isn't valid UTF-8.
std::optional<std::string> bytes_of_token(std::string_view token);

// UTF-8 of a byte's letter.
std::string token_of_byte(uint8_t byte);

}  // namespace rg::text
