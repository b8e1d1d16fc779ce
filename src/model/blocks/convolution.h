// A causal convolution over the rows of a sequence, channel by channel, without tokens before the
// first.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/elementwise.h"
#include "tensor/buffer.h"

namespace rg::model {

// (channels, kernel) as stored -> (kernel, channels).
inline Buffer<float> transposed_taps(const Buffer<float>& stored, size_t kernel) {
  const size_t channels = stored.size() / kernel;
  Buffer<float> taps(stored.size());
  for (size_t c = 0; c < channels; ++c) {
    for (size_t j = 0; j < kernel; ++j) taps[j * channels + c] = stored[c * kernel + j];
  }
  return taps;
}

// out (channels) = sum over j of taps_j * row(t - kernel + 1 + j); rows are `stride` apart.
inline void convolve_row(const float* rows, size_t stride, size_t t, const float* taps,
                         size_t kernel, size_t channels, float* out) noexcept {
  std::fill_n(out, channels, 0.0f);
  for (size_t j = 0; j < kernel; ++j) {
    if (t + j + 1 < kernel) continue;
    kernels::add_product(taps + j * channels, rows + (t + j + 1 - kernel) * stride, channels, out);
  }
}

}  // namespace rg::model
