// What transformers (5.24, AutoTokenizer) makes of the tokenizer files in a model's folder. It
// picks a class: some take tokenizer.json as it is, others build normalizer, pre-tokenizer and
// post-processor themselves and take little more than its vocabulary. tokenizer_config.json, or
// for older models special_tokens_map.json and added_tokens.json, name further tokens.
// docs/corpora.md says what is followed; here it is followed or refused, and noted.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/added_tokens.h"
#include "text/tokenizer.h"
#include "text/tokenizer_file.h"

namespace rg::text {

// The companions of tokenizer.json; null where there is none.
struct SideFiles {
  std::string name;  // of tokenizer_config.json, for messages
  Json config, special_tokens_map, added_tokens;
  std::vector<std::pair<std::string, std::string>> sha256;  // name, hash of those that exist
};

// TK007 where one is no strict JSON object.
SideFiles read_side_files(const ModelTokenizer& model);

// How the tokenizer differs from tokenizer.json alone.
struct Reference {
  // In the order in which they get their ids. kNoId: the id is still to be given.
  std::vector<AddedToken> added;
  bool drops_special_tokens = false;                 // the class's own post-processor adds none
  bool split_special_tokens = false;                 // special tokens in a text are text
  std::optional<bool> add_bos_token, add_eos_token;  // stored, but without effect
  std::string class_name;                            // for notes; empty: none was chosen
  std::vector<std::string> notes;
};

// tokenizer.json alone, as tokenizers itself reads it.
Reference stored_reference(const TokenizerFile& file);
// With its companions. Changes the components in `file` that the class builds itself. TK008
// where the class isn't known, or would silently replace a part of tokenizer.json that differs.
Reference make_reference(TokenizerFile& file, const SideFiles& side, const ModelTokenizer& model);

}  // namespace rg::text
