// The token ids that a log was made from, given beside it (--tokens).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "logs/record.h"

namespace rg::logs {

struct TokenLists {
  std::vector<std::vector<int32_t>> sequences;
  std::vector<uint32_t> prompt;  // of each sequence, how many are the prompt; or empty: unknown
  bool by_row = false;           // one list, a token per row of the log
};

// JSON: an array of arrays of ids, or of objects {"prompt_token_ids": [...], "token_ids": [...]}
// (prompt, then what was generated); or a .npy file of integers, (rows) or (sequences, tokens).
// LG005, LG003; IO errors.
TokenLists read_token_lists(const std::filesystem::path& path);
TokenLists parse_token_lists(std::span<const std::byte> bytes, const std::string& file);

// Tells the record's sequences apart if it has one and the lists fit, and gives every row its
// token where lengths allow. LG008 if the numbers of sequences don't fit.
void attach_tokens(const TokenLists& lists, const std::string& file, Record& record);

}  // namespace rg::logs
