#include "stream/padded_lengths.h"

#include <algorithm>

namespace rg::stream {
namespace {

constexpr uint32_t kPromptRows = 32;  // prompts are padded to multiples of this

// Windows keep their own length; of a set with several lengths each is padded.
uint32_t padded_rows(const tap::SequenceSet& set, uint32_t length) {
  const auto [shortest, longest] = std::minmax_element(set.lengths.begin(), set.lengths.end());
  if (*shortest == *longest && length > kPromptRows) return length;
  return (length + kPromptRows - 1) / kPromptRows * kPromptRows;
}

}  // namespace

PaddedLengths::PaddedLengths(std::span<const tap::SequenceSet* const> sets) {
  for (const tap::SequenceSet* set : sets) {
    for (const uint32_t length : set->lengths) {
      if (rows_of_length_.contains(length)) continue;
      const uint32_t rows = padded_rows(*set, length);
      rows_of_length_[length] = rows;
      longest_ = std::max(longest_, rows);
      if (std::find(rows_.begin(), rows_.end(), rows) == rows_.end()) rows_.push_back(rows);
    }
  }
}

}  // namespace rg::stream
