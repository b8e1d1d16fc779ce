// Plain reference for the packed products: C = A W^T in fp64, term by term.
#pragma once

#include <cstddef>

namespace rg::kernels {

// a (rows,in), w (out,in), c (rows,out), all row-major.
void product_reference(const float* a, const float* w, size_t rows, size_t in, size_t out,
                       double* c) noexcept;

}  // namespace rg::kernels
