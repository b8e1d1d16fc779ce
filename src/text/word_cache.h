// What recent words were encoded to. Most words of a text are few and short; merging is what
// costs. A fixed table: each word has one slot and evicts whoever is there.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "text/bpe.h"

namespace rg::text {

class WordCache {
 public:
  static constexpr size_t kSlots = size_t{1} << 15;
  static constexpr size_t kMaxBytes = 24, kMaxTokens = 8;

  WordCache() : slots_(kSlots) {}
  void clear() { slots_.assign(kSlots, Slot{}); }

  // Appends the word's tokens if they are known.
  bool find(std::string_view word, BpeOutput& output) const {
    if (word.size() > kMaxBytes) return false;
    const Slot& slot = slots_[place(word)];
    if (slot.bytes != word.size() || std::memcmp(slot.word.data(), word.data(), word.size()) != 0)
      return false;
    output.ids.insert(output.ids.end(), slot.ids.begin(), slot.ids.begin() + slot.tokens);
    output.lengths.insert(output.lengths.end(), slot.lengths.begin(),
                          slot.lengths.begin() + slot.tokens);
    return true;
  }

  // Remembers that the tokens of `output` from `first` on are those of `word`.
  void store(std::string_view word, const BpeOutput& output, size_t first) {
    const size_t tokens = output.ids.size() - first;
    if (word.size() > kMaxBytes || tokens > kMaxTokens) return;
    Slot& slot = slots_[place(word)];
    slot.bytes = static_cast<uint8_t>(word.size());
    slot.tokens = static_cast<uint8_t>(tokens);
    std::memcpy(slot.word.data(), word.data(), word.size());
    for (size_t i = 0; i < tokens; ++i) {
      slot.ids[i] = output.ids[first + i];
      slot.lengths[i] = static_cast<uint8_t>(output.lengths[first + i]);
    }
  }

 private:
  struct Slot {
    uint8_t bytes = 0, tokens = 0;  // bytes 0: empty, as no word is
    std::array<uint8_t, kMaxTokens> lengths{};
    std::array<char, kMaxBytes> word{};
    std::array<int32_t, kMaxTokens> ids{};
  };
  static size_t place(std::string_view word) {
    return std::hash<std::string_view>{}(word) % kSlots;
  }

  std::vector<Slot> slots_;
};

}  // namespace rg::text
