// One product of row-major matrices whose sides are both computed at run time.
#pragma once

#include <cstdint>

#include "kernels/product.h"

namespace rg::readout {

// C (rows, columns) = A (rows, inner) B', B (columns, inner), or A B, B (inner, columns); rows
// `stride` floats apart. The one head's stride is that of whole rows.
struct ProductShape {
  uint32_t rows, inner, columns;
  kernels::HeadProduct::Right right;
  uint32_t a_stride, b_stride, c_stride;
};
inline kernels::HeadProduct product_of(const ProductShape& shape) {
  using kernels::HeadProduct;
  const bool across = shape.right == HeadProduct::Right::transposed;
  const auto side = [](uint32_t rows, uint32_t stride) {
    return HeadProduct::Side{.head_stride = int64_t{rows} * stride, .row_stride = stride};
  };
  return {1,
          shape.rows,
          shape.inner,
          shape.columns,
          side(shape.rows, shape.a_stride),
          side(across ? shape.columns : shape.inner, shape.b_stride),
          shape.right,
          side(shape.rows, shape.c_stride),
          kernels::Compute::f32};
}

}  // namespace rg::readout
