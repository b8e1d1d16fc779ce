// UTF-8, strictly as Unicode defines it: no overlong forms, no surrogates, nothing over U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace rg {

struct Utf8Step {
  char32_t code_point;  // meaningless when not valid
  size_t bytes;         // 1 to 4; 1 when not valid
  bool valid;
};

// The code point that starts at byte `at` (at < text.size()).
Utf8Step decode_utf8(std::string_view text, size_t at) noexcept;

// Offset of the first byte that does not belong to a valid sequence; none if all are valid.
std::optional<size_t> find_invalid_utf8(std::string_view text) noexcept;

}  // namespace rg
