// What a pass carries, and the part of it that one call of an observer is about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rg::tap {

// A set of token sequences that the pass carries: the windows of a domain, or prompts.
struct SequenceSet {
  std::string name;               // "domain:prose", "prompts", "prompts-unmasked"
  std::vector<uint32_t> lengths;  // tokens of each sequence
  std::vector<int32_t> ids;       // all sequences, one after another
  bool causal = true;             // false: every token attends to the whole sequence

  size_t sequences() const { return lengths.size(); }
  size_t rows() const { return ids.size(); }
};

// A run of whole sequences of one set. Pointers are (rows, .) row-major, first row = the first
// token of sequence `first_sequence`.
struct Block {
  const SequenceSet* set;
  size_t first_sequence, sequences;
  size_t first_row, rows;  // within the set
  int worker;              // [0, threads)
};

}  // namespace rg::tap
