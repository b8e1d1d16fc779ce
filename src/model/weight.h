// One stored matrix or vector: which bytes of the checkpoint it is and how the file lays it out.
#pragma once

#include <cstdint>

#include "formats/tensor_entry.h"

namespace rg::model {

using Tensor = const formats::TensorEntry*;

enum class Stored {
  out_in,  // (rows, columns) row-major
  in_out,  // transposed: (columns, rows) row-major
};

// A whole tensor, or one expert's part of a tensor that holds all experts. Read as (rows, columns)
// = (outputs, inputs), whatever the file does; a vector has one column.
struct Weight {
  Tensor values = nullptr;  // null: the layer has no such weight
  uint64_t first_byte = 0;  // within the tensor
  uint32_t rows = 0, columns = 0;
  Stored stored = Stored::out_in;

  explicit operator bool() const { return values != nullptr; }
  uint64_t elements() const { return uint64_t{rows} * columns; }
  uint64_t bytes() const { return values == nullptr ? 0 : elements() * dtype_bytes(values->dtype); }
};

}  // namespace rg::model
