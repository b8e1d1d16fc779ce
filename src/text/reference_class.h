// How one class of transformers makes its tokenizer, and the added tokens that this gives.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "text/reference.h"

namespace rg::text {

// "Fast" at the end of a class's name changes nothing.
struct TokenizerClass {
  std::string_view name;
  bool as_stored;  // takes tokenizer.json as it is; otherwise the rest says what it builds
  // The normalizer's steps, and the pre-tokenizer's without add_prefix_space, as JSON lists.
  const char* normalizer;
  const char* pre_tokenizer;
  bool drops_special_tokens;  // its post-processor adds none
  std::span<const std::pair<const char*, const char*>> default_tokens;  // where no file names them
};

// Fills `reference.added` (until then those of tokenizer.json) and adds notes where they differ.
void add_reference_tokens(const TokenizerFile& file, const SideFiles& side,
                          const TokenizerClass& kind, Reference& reference);

}  // namespace rg::text
