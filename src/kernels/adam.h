// One step of Adam (Kingma and Ba 2015, algorithm 1 in the order of their section 2) on a run of
// weights, fp32, every weight for itself: the bits don't depend on the width of the registers.
#pragma once

#include <cstddef>

namespace rg::kernels {

struct AdamRates {
  float mean_decay, square_decay;  // beta_1, beta_2
  float step;                      // rate sqrt(1 - beta_2^t) / (1 - beta_1^t)
  float epsilon;                   // added to the root of the squares
};

// mean = beta_1 mean + (1 - beta_1) g; square = beta_2 square + (1 - beta_2) g^2;
// value -= step * mean / (sqrt(square) + epsilon). All (n).
void adam_step(const AdamRates& rates, const float* gradient, size_t n, float* mean, float* square,
               float* value) noexcept;

}  // namespace rg::kernels
