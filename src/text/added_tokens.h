// Added tokens: strings that are cut out of the text before anything else looks at it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace rg::text {

constexpr int32_t kNoId = -1;  // of a token that gets its id when the vocabulary is made

struct AddedToken {
  int32_t id;
  std::string content;
  bool single_word;  // only where no word character stands on either side
  bool lstrip;       // takes the white space before it too
  bool rstrip;       // and after it
  bool normalized;   // matched in normalised text, in normalised form
  bool special;
  // In tokenizer.json. One that only transformers adds may lie beyond the model's embedding, as
  // long as no text holds it.
  bool stored = true;
};

// What becomes of special tokens that stand in a text.
enum class SpecialInText { matched, split };

// A stretch of the text: an added token, or text for the next stage.
struct Segment {
  Range range;
  std::optional<int32_t> id;
};

// Finds one set of added tokens, the leftmost match first, the longest of those.
class AddedTokenFinder {
 public:
  // The strings to look for; of equal ones the first counts.
  struct Entry {
    std::string pattern;  // not empty
    AddedToken token;
  };
  AddedTokenFinder(std::vector<Entry> entries, SpecialInText special);

  bool empty() const noexcept { return entries_.empty(); }
  // Hands over what `text` consists of, in order; text segments are never empty.
  void split(std::string_view text, const std::function<void(const Segment&)>& take) const;

 private:
  struct Node {
    std::vector<std::pair<uint8_t, uint32_t>> children;  // ascending byte
    int32_t entry = -1;
  };
  struct Match {
    size_t end;
    uint32_t entry;
  };
  void insert(uint32_t entry);
  std::optional<Match> longest_at(std::string_view text, size_t at) const;
  bool inside_word(std::string_view text, Range range) const;

  std::vector<Entry> entries_;
  SpecialInText special_;
  std::vector<Node> nodes_;
  std::array<bool, 256> starts_{};
  std::optional<Regex> word_character_;  // only if some token is single_word
};

}  // namespace rg::text
