#include "kernels/product_reference.h"

namespace rg::kernels {

void product_reference(const float* a, const float* w, size_t rows, size_t in, size_t out,
                       double* c) noexcept {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t o = 0; o < out; ++o) {
      double sum = 0;
      for (size_t i = 0; i < in; ++i) sum += double{a[r * in + i]} * double{w[o * in + i]};
      c[r * out + o] = sum;
    }
  }
}

}  // namespace rg::kernels
