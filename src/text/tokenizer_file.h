// tokenizer.json as a tree, except for the vocabulary and the merges, which are too many for one:
// those come as lists in file order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace rg::text {

struct TokenizerFile {
  std::string name;    // for messages
  std::string sha256;  // of the bytes
  Json tree;           // the document; its model has neither vocab nor merges
  std::vector<std::pair<std::string, int32_t>> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  // (left, right) tokens
};

// TK002 when missing, not strict JSON or not of the expected shape; TK003 for another model type;
// TK004 and TK005 for single entries that cannot be.
TokenizerFile read_tokenizer_file(const std::filesystem::path& path);
TokenizerFile parse_tokenizer_file(std::string_view text, const std::string& name);

// Bounds of what is read; the largest known files stay under a tenth of each.
inline constexpr uint64_t kMaxTokenizerBytes = uint64_t{512} << 20;
inline constexpr size_t kMaxTokens = size_t{1} << 22;
inline constexpr size_t kMaxMerges = size_t{1} << 23;
inline constexpr int64_t kMaxTokenId = int64_t{1} << 24;
inline constexpr size_t kMaxTokenBytes = size_t{1} << 16;

}  // namespace rg::text
