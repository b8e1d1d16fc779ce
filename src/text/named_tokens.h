// The tokens that tokenizer_config.json and its older companions name, as transformers 5.24 merges
// them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/added_tokens.h"
#include "text/reference.h"

namespace rg::text {

struct NamedTokens {
  // "added_tokens_decoder" of the config, or else what the older files and tokenizer.json give,
  // by id.
  std::map<int32_t, AddedToken> decoder;
  // bos_token, eos_token ... in transformers' order, then a model's own; none: null in the file.
  std::vector<std::pair<std::string, std::optional<AddedToken>>> named;
  std::vector<AddedToken> extra;

  bool names(std::string_view key) const;
};

// Names that every tokenizer may have, in the order in which they are added.
inline constexpr std::string_view kStandardNames[] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

// `stored`: the added tokens of tokenizer.json. TK007 for values that transformers fails on.
NamedTokens read_named_tokens(const SideFiles& side, const std::vector<AddedToken>& stored);

// A token that is only a text: special, and therefore not normalised.
AddedToken special_token(std::string content);

}  // namespace rg::text
