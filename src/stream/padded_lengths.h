// The number of rows that the products of each sequence are made for: a window keeps its own
// length, a prompt's is rounded up.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tap/tap.h"

namespace rg::stream {

class PaddedLengths {
 public:
  explicit PaddedLengths(std::span<const tap::SequenceSet* const> sets);

  uint32_t of(uint32_t length) const { return rows_of_length_.at(length); }
  std::span<const uint32_t> rows() const { return rows_; }  // distinct; the first set's first
  uint32_t longest() const { return longest_; }             // of rows()

 private:
  std::map<uint32_t, uint32_t> rows_of_length_;
  std::vector<uint32_t> rows_;
  uint32_t longest_ = 0;
};

}  // namespace rg::stream
