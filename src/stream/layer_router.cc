#include "stream/layer_router.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"

namespace rg::stream {
namespace {

constexpr uint32_t kPromptRows = 32;  // prompts are padded to multiples of this

// Windows keep their own length; of a set with several lengths each is padded.
uint32_t padded_rows(const tap::SequenceSet& set, uint32_t length) {
  const auto [shortest, longest] = std::minmax_element(set.lengths.begin(), set.lengths.end());
  if (*shortest == *longest && length > kPromptRows) return length;
  return (length + kPromptRows - 1) / kPromptRows * kPromptRows;
}

}  // namespace

Shapes::Shapes(const model::Model& model, kernels::Compute compute,
               std::span<const tap::SequenceSet* const> sets) {
  for (const tap::SequenceSet* set : sets) {
    for (const uint32_t length : set->lengths) {
      if (rows_of_length_.contains(length)) continue;
      const uint32_t rows = padded_rows(*set, length);
      rows_of_length_[length] = rows;
      longest_ = std::max(longest_, rows);
      if (by_rows_.contains(rows)) continue;
      if (main_ == nullptr) {
        main_ = &by_rows_.try_emplace(rows, model, rows, compute).first->second;
      } else {
        by_rows_.try_emplace(rows, model, rows, compute, *main_);
      }
    }
  }
}

const model::AttentionShape& Shapes::of_length(uint32_t length) const {
  return by_rows_.at(rows_of_length_.at(length));
}

size_t Shapes::scratch_bytes() const {
  size_t bytes = 0;
  for (const auto& [rows, shape] : by_rows_) {
    bytes = std::max({bytes, shape.qkv().scratch_bytes(), shape.output().scratch_bytes(),
                      shape.router().scratch_bytes(), shape.scores().scratch_bytes(),
                      shape.values().scratch_bytes()});
  }
  return bytes;
}

void LayerRouter::project(const kernels::PackedWeights& weights, const float* in, size_t rows,
                          float* out, int worker) const {
  const model::AttentionShape& shape = shapes_.of_length(static_cast<uint32_t>(rows));
  WorkerScratch& scratch = scratch_[static_cast<size_t>(worker)];
  if (shape.rows() == rows) {
    shape.router().run(in, weights, out, *scratch.products);
    return;
  }
  float* padded = scratch.rows.data();
  const size_t used = rows * model_.width;
  if (in != padded) std::memcpy(padded, in, used * sizeof(float));
  std::fill(padded + used, padded + size_t{shape.rows()} * model_.width, 0.0f);
  shape.router().run(padded, weights, scratch.logits.data(), *scratch.products);
  std::memcpy(out, scratch.logits.data(), rows * model_.gate.experts * sizeof(float));
}

void LayerRouter::project_raw(const float* in, size_t rows, float* out, int worker) const {
  project(weights_.router, in, rows, out, worker);
}

void LayerRouter::project_gained(const float* in, size_t rows, float* out, int worker) const {
  project(weights_.router_gained, in, rows, out, worker);
}

void LayerRouter::logits_of_residual(const float* in, size_t rows, float* out, int worker) const {
  float* normed = scratch_[static_cast<size_t>(worker)].rows.data();
  for (size_t row = 0; row < rows; ++row) {
    kernels::rms_norm(in + row * model_.width, weights_.mlp_gain.data(), model_.width,
                      model_.norm_epsilon, normed + row * model_.width);
  }
  project(weights_.router, normed, rows, out, worker);
}

}  // namespace rg::stream
