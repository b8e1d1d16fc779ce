// What a pass carries: the token sequences of all sets, one after another, and the blocks of them
// that one worker takes through the attention part at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stream/padded_lengths.h"
#include "tap/tap.h"

namespace rg::stream {

// One token sequence of the run.
struct Sequence {
  uint32_t set, index;  // which set, which sequence of it
  uint32_t first_row;   // of the run
  uint32_t length;
};

// A run of whole sequences of one set that one worker takes through the attention part.
struct BlockRange {
  uint32_t first_sequence, sequences;  // of the run
  uint32_t first_row, rows;
};

std::vector<Sequence> list_sequences(std::span<const tap::SequenceSet* const> sets);
// Windows in groups of `block_windows`, rounded up to whole calls of a mixer; prompts one by one.
std::vector<BlockRange> cut_blocks(std::span<const tap::SequenceSet* const> sets,
                                   const std::vector<Sequence>& sequences,
                                   const PaddedLengths& padded, size_t block_windows);

}  // namespace rg::stream
