// The few questions about code points that the text floor asks in more than one place.
#pragma once

#include <string>
#include <string_view>

namespace rg::text {

// Appends the UTF-8 form of a scalar value (no surrogates, at most U+10FFFF).
void append_utf8(std::string& out, char32_t code_point);

// Unicode property White_Space: 25 code points, unchanged since Unicode 6.3. This is what `\s`
// means in Oniguruma and in Rust's regex; PCRE2's own `\s` also takes U+180E.
bool is_white_space(char32_t code_point) noexcept;

// The same set as the inside of a PCRE2 character class.
std::string_view white_space_class() noexcept;

}  // namespace rg::text
