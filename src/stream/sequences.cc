#include "stream/sequences.h"

#include <algorithm>

namespace rg::stream {

std::vector<Sequence> list_sequences(std::span<const tap::SequenceSet* const> sets) {
  std::vector<Sequence> out;
  uint32_t row = 0;
  for (uint32_t s = 0; s < sets.size(); ++s) {
    for (uint32_t i = 0; i < sets[s]->sequences(); ++i) {
      out.push_back({.set = s, .index = i, .first_row = row, .length = sets[s]->lengths[i]});
      row += sets[s]->lengths[i];
    }
  }
  return out;
}

std::vector<BlockRange> cut_blocks(std::span<const tap::SequenceSet* const> sets,
                                   const std::vector<Sequence>& sequences,
                                   const PaddedLengths& padded, size_t block_windows) {
  std::vector<BlockRange> out;
  for (uint32_t i = 0; i < sequences.size();) {
    const Sequence& first = sequences[i];
    const std::vector<uint32_t>& lengths = sets[first.set]->lengths;
    const bool equal = std::all_of(lengths.begin(), lengths.end(),
                                   [&](uint32_t length) { return length == lengths.front(); });
    const size_t left = lengths.size() - first.index;
    const size_t per_call = padded.shape(first.length).sequences;
    const size_t wanted = (block_windows + per_call - 1) / per_call * per_call;
    const auto count = static_cast<uint32_t>(equal ? std::min(wanted, left) : 1);
    out.push_back({.first_sequence = i,
                   .sequences = count,
                   .first_row = first.first_row,
                   .rows = count * first.length});
    i += count;
  }
  return out;
}

}  // namespace rg::stream
