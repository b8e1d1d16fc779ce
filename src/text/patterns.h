// The pre-tokenizer patterns whose splits are tested against Oniguruma and Hugging Face.
#pragma once

#include <span>
#include <string_view>

namespace rg::text {

struct TestedPattern {
  std::string_view users;    // who ships it
  std::string_view pattern;  // exactly as in their tokenizer.json
};

std::span<const TestedPattern> tested_patterns();
bool is_tested_pattern(std::string_view pattern);

// The pattern of ByteLevel's use_regex (Radford et al. 2019).
std::string_view gpt2_pattern();

}  // namespace rg::text
