// Base64 (RFC 4648, section 4, with padding), through OpenSSL.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace rg {

// The bytes that `text` stands for; none if it isn't base64: another character, or a length that is
// no multiple of 4.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace rg
