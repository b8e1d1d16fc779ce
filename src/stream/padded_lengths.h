// The number of rows that the products of each sequence are made for: a window keeps its own
// length, a prompt's is rounded up. Windows may share a mixer's call, prompts never do.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "model/blocks/block.h"
#include "tap/tap.h"

namespace rg::stream {

class PaddedLengths {
 public:
  PaddedLengths(std::span<const tap::SequenceSet* const> sets, kernels::Compute compute);

  // Rows of one sequence.
  uint32_t of(uint32_t length) const { return shape(length).rows; }
  uint32_t longest() const { return longest_; }
  const model::CallShape& shape(uint32_t length) const { return shape_of_length_.at(length); }
  // Distinct; that of the first set comes first.
  std::span<const model::CallShape> shapes() const { return shapes_; }
  uint32_t most_rows() const { return most_rows_; }  // of a call

 private:
  std::map<uint32_t, model::CallShape> shape_of_length_;
  std::vector<model::CallShape> shapes_;
  uint32_t longest_ = 0, most_rows_ = 0;
};

}  // namespace rg::stream
