// The distinct token ids of a set of sequences, numbered in ascending order of id.
#pragma once

#include <cstdint>
#include <vector>

#include "tap/tap.h"

namespace rg::experiments {

class TokenIndex {
 public:
  explicit TokenIndex(const tap::SequenceSet& set);

  uint32_t distinct() const { return static_cast<uint32_t>(ids_.size()); }
  int32_t id(uint32_t index) const { return ids_[index]; }
  uint32_t of_row(size_t row) const { return of_row_[row]; }
  uint32_t occurrences(uint32_t index) const { return occurrences_[index]; }
  uint64_t bytes() const { return (ids_.size() + of_row_.size() + occurrences_.size()) * 4; }

 private:
  std::vector<int32_t> ids_;
  std::vector<uint32_t> of_row_, occurrences_;
};

}  // namespace rg::experiments
