// The parts of a tokenizer, made from the tree of tokenizer.json. Whatever is not supported is
// refused by name (TK003), also a key that nobody reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_file.h"

namespace rg::text {

// Ids that the post-processor puts before and after the text's.
struct SpecialIds {
  std::vector<int32_t> before, behind;
  bool empty() const { return before.empty() && behind.empty(); }
};

// Every token's id and, back, every id's bytes (an added token's content as it is).
struct Vocabulary {
  std::unordered_map<std::string, int32_t> ids;  // by the token's letters
  std::vector<std::string> bytes;                // by id; gaps are empty
  std::vector<bool> known;                       // by id
  int32_t largest_id = -1;                       // of those that tokenizer.json has, as `entries`
  int32_t largest_in_model = -1;                 // of those that aren't added tokens
  size_t entries = 0;
};

Normalizer make_normalizer(const Json& json, const TokenizerFile& file);
PreTokenizer make_pre_tokenizer(const Json& json, const TokenizerFile& file,
                                UnknownPatterns patterns, std::vector<std::string>& notes);
SpecialIds make_post_processor(const Json& json, const TokenizerFile& file,
                               const Vocabulary& vocabulary);

// Gives ids to added tokens without one. TK004 on duplicates, and where ids differ from those that
// Hugging Face gives.
Vocabulary make_vocabulary(const TokenizerFile& file, std::vector<AddedToken>& added);
std::vector<AddedToken> read_added_tokens(const Json& json, const TokenizerFile& file);
// TK004 where a byte of UTF-8 has no token, TK005 for impossible merges.
BytePairModel make_model(const Json& json, TokenizerFile& file, const Vocabulary& vocabulary);

}  // namespace rg::text
