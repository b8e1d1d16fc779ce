// Byte-pair encoding of one word: symbols are merged pairwise, the pair of lowest merge rank
// first and the leftmost of equals, until no pair has a merge. A linked list of symbols and a
// heap of candidate pairs: O(n log n) steps, no recursion.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rg::text {

struct Merge {
  int32_t left, right, result;  // ids; the rank is the place in the list
};

// Finds the rank of a pair: per left id, the right ids in ascending order.
class MergeTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // `merges` name ids in [0, ids).
  MergeTable(std::vector<Merge> merges, size_t ids);
  // The rank of a merge whose pair has an earlier rank too, if there is one.
  std::optional<uint32_t> duplicate() const;
  uint32_t rank(int32_t left, int32_t right) const noexcept;
  const Merge& operator[](uint32_t rank) const noexcept { return merges_[rank]; }
  size_t size() const noexcept { return merges_.size(); }

 private:
  std::vector<Merge> merges_;
  std::vector<uint32_t> first_;  // (ids + 1): range of each left id in the next two
  std::vector<int32_t> rights_;  // (merges)
  std::vector<uint32_t> ranks_;  // (merges)
};

// Memory of one encoder, reused from word to word, and the work it did.
struct BpeScratch {
  std::vector<int32_t> ids;    // symbol that starts at this byte; kDead if none
  std::vector<uint32_t> next;  // first byte of the following symbol; the word's end at last
  std::vector<uint32_t> previous;
  std::vector<uint64_t> heap;  // rank << 32 | first byte of the left symbol
  uint64_t heap_steps = 0;     // pushes and pops since construction
};

// Tokens of the words encoded so far, in order.
struct BpeOutput {
  std::vector<int32_t> ids;
  std::vector<uint32_t> lengths;  // bytes of the word that each id covers
};

// Words by their bytes, found without a copy of them.
struct HashOfBytes {
  using is_transparent = void;
  size_t operator()(std::string_view bytes) const noexcept {
    return std::hash<std::string_view>{}(bytes);
  }
};
using WordTable = std::unordered_map<std::string, int32_t, HashOfBytes, std::equal_to<>>;

struct BytePairModel {
  static constexpr int32_t kNoId = -1;

  std::array<int32_t, 256> byte_ids{};  // kNoId where the vocabulary lacks the byte
  MergeTable merges;
  int32_t unknown_id = kNoId;  // for bytes without an id; kNoId: none needed
  bool fuse_unknown = false;   // a run of unknown bytes is one token
  // Whole words that bypass merging (`ignore_merges`): bytes -> id. Empty otherwise.
  WordTable whole_words = {};

  // Appends the tokens of `word` (under 4 GiB).
  void encode(std::string_view word, BpeScratch& scratch, BpeOutput& output) const;
};

}  // namespace rg::text
