#include "model/weight.h"

#include "tensor/encoding.h"

namespace rg::model {

uint64_t Weight::value_bytes() const {
  if (values == nullptr) return 0;
  if (encoding == Encoding::mxfp4) return elements() / kMxBlockValues * kMxBlockBytes;
  return elements() * dtype_bytes(values->dtype);
}

uint64_t Weight::scale_count() const {
  if (scales.tensor == nullptr) return 0;
  const uint64_t down = (rows + scales.block_rows - 1) / scales.block_rows;
  const uint64_t across = (columns + scales.block_columns - 1) / scales.block_columns;
  return down * across;
}

uint64_t Weight::bytes() const {
  return value_bytes() +
         (scales.tensor == nullptr ? 0 : scale_count() * dtype_bytes(scales.tensor->dtype));
}

}  // namespace rg::model
