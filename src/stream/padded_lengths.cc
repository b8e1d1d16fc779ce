#include "stream/padded_lengths.h"

#include <algorithm>

namespace rg::stream {
namespace {

constexpr uint32_t kPromptRows = 32;  // prompts are padded to multiples of this

// Windows keep their own length; of a set with several lengths each is padded.
model::CallShape padded_shape(const tap::SequenceSet& set, uint32_t length,
                              kernels::Compute compute) {
  const auto [shortest, longest] = std::minmax_element(set.lengths.begin(), set.lengths.end());
  const bool windows = *shortest == *longest;
  const uint32_t rows = windows && length > kPromptRows
                            ? length
                            : (length + kPromptRows - 1) / kPromptRows * kPromptRows;
  return windows ? model::CallShape::filling_a_tile(rows, compute) : model::CallShape::single(rows);
}

}  // namespace

PaddedLengths::PaddedLengths(std::span<const tap::SequenceSet* const> sets,
                             kernels::Compute compute) {
  for (const tap::SequenceSet* set : sets) {
    for (const uint32_t length : set->lengths) {
      if (shape_of_length_.contains(length)) continue;
      const model::CallShape shape = padded_shape(*set, length, compute);
      shape_of_length_.emplace(length, shape);
      longest_ = std::max(longest_, shape.rows);
      most_rows_ = std::max(most_rows_, shape.joined);
      if (std::find(shapes_.begin(), shapes_.end(), shape) == shapes_.end()) {
        shapes_.push_back(shape);
      }
    }
  }
}

}  // namespace rg::stream
