// Rows of all tokens of a run (hidden states, gate inputs, updates), in memory or in an unlinked
// spill file where the memory budget demands it.
#pragma once

#include <cstddef>

#include "base/scratch_file.h"
#include "tensor/buffer.h"

namespace rg::stream {

enum class Place { memory, spilled };

class RowStore {
 public:
  RowStore() = default;
  // `spill` is needed only for Place::spilled and outlives the store.
  RowStore(size_t rows, size_t row_bytes, Place place, ScratchFile* spill);

  size_t row_bytes() const { return row_bytes_; }
  bool spilled() const { return spill_ != nullptr; }
  // The rows themselves, or a copy in `scratch` (rows * row_bytes) if they are spilled.
  std::byte* load(size_t first, size_t rows, std::byte* scratch) const;
  // Where to put one block's rows before store(): in place, or in `scratch` if spilled.
  std::byte* load_for_writing(size_t first, std::byte* scratch) const {
    return spilled() ? scratch : memory_.data() + first * row_bytes_;
  }
  // Makes `data`, which load() gave or the caller filled, the content of the rows.
  void store(size_t first, size_t rows, const std::byte* data);

 private:
  size_t row_bytes_ = 0;
  mutable Buffer<std::byte> memory_;
  ScratchFile* spill_ = nullptr;
  uint64_t offset_ = 0;
};

}  // namespace rg::stream
