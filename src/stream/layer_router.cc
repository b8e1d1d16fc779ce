#include "stream/layer_router.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"

namespace rg::stream {

void LayerRouter::project(const kernels::PackedWeights& weights, const float* in, size_t rows,
                          float* out, int worker) const {
  const uint32_t prepared = lengths_.of(static_cast<uint32_t>(rows));
  WorkerScratch& scratch = scratch_[static_cast<size_t>(worker)];
  if (prepared == rows) {
    products_.run(weights, prepared, in, out, *scratch.products);
    return;
  }
  float* padded = scratch.rows.data();
  const size_t width = norm_.width(), used = rows * width;
  if (in != padded) std::memcpy(padded, in, used * sizeof(float));
  std::fill(padded + used, padded + size_t{prepared} * width, 0.0f);
  products_.run(weights, prepared, padded, scratch.logits.data(), *scratch.products);
  std::memcpy(out, scratch.logits.data(), rows * products_.experts() * sizeof(float));
}

void LayerRouter::project_raw(const float* in, size_t rows, float* out, int worker) const {
  project(weights_.plain, in, rows, out, worker);
}

void LayerRouter::project_gained(const float* in, size_t rows, float* out, int worker) const {
  project(weights_.gained, in, rows, out, worker);
}

void LayerRouter::logits_of_residual(const float* in, size_t rows, float* out, int worker) const {
  float* normed = scratch_[static_cast<size_t>(worker)].rows.data();
  for (size_t row = 0; row < rows; ++row) {
    norm_.apply(in + row * norm_.width(), normed + row * norm_.width());
  }
  logits_of_gate_input(normed, rows, out, worker);
}

void LayerRouter::logits_of_gate_input(const float* in, size_t rows, float* out, int worker) const {
  project(weights_.plain, in, rows, out, worker);
  if (weights_.logit_bias.size() == 0) return;
  const size_t experts = products_.experts();
  for (size_t row = 0; row < rows; ++row) {
    kernels::add(weights_.logit_bias.data(), experts, out + row * experts);
  }
}

}  // namespace rg::stream
