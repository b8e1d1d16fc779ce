// One stored matrix or vector: which bytes of the checkpoint it is and how the file lays it out.
#pragma once

#include <cstdint>

#include "formats/tensor_entry.h"

namespace rg::model {

using Tensor = const formats::TensorEntry*;

enum class Stored {
  out_in,        // (rows, columns) row-major
  in_out,        // transposed: (columns, rows) row-major
  out_in_pairs,  // rows alternate: gate's first, up's first, gate's second, ...
  in_out_pairs,  // transposed, and the columns alternate
};

// How a weight's bytes become numbers.
enum class Encoding {
  plain,   // each by itself
  scaled,  // times the scale of its block of rows and columns (FP8)
  mxfp4,   // blocks of 32 along a row, tensor/encoding.h
};

// One scale per block; of mxfp4 one E8M0 byte.
struct BlockScales {
  Tensor tensor = nullptr;
  uint64_t first_byte = 0;
  uint32_t block_rows = 0, block_columns = 0;
};

// A whole tensor, or one expert's part of a tensor that holds all experts. Read as (rows, columns)
// = (outputs, inputs), gate's rows before up's, whatever the file does; a vector has one column.
struct Weight {
  Tensor values = nullptr;  // null: the layer has no such weight
  uint64_t first_byte = 0;  // within the tensor
  uint32_t rows = 0, columns = 0;
  Stored stored = Stored::out_in;
  Encoding encoding = Encoding::plain;
  BlockScales scales = {};

  explicit operator bool() const { return values != nullptr; }
  uint64_t elements() const { return uint64_t{rows} * columns; }
  uint64_t value_bytes() const;  // in the file, without the scales
  uint64_t scale_count() const;
  uint64_t bytes() const;  // in the file
};

}  // namespace rg::model
