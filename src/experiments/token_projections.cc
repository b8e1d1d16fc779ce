#include "experiments/token_projections.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/elementwise.h"

namespace rg::experiments {

TokenProjections::TokenProjections(const TokenIndex& tokens, uint32_t experts, uint32_t seq_len)
    : tokens_(tokens),
      experts_(experts),
      seq_len_(seq_len),
      groups_((tokens.distinct() + seq_len - 1) / seq_len),
      gained_(groups_ * seq_len * experts),
      raw_(groups_ * seq_len * experts),
      squared_norm_(groups_ * seq_len, 0.0) {}

void TokenProjections::compute(const tap::LayerView& view, Scratch& scratch) {
  const size_t d = view.width;
  parallel_for(groups_, view.threads, [&](size_t group, int worker) {
    float* rows = scratch.buffer(worker, 0);
    const size_t first = group * seq_len_;
    for (size_t i = 0; i < seq_len_; ++i) {
      float* row = rows + i * d;
      if (first + i >= tokens_.distinct()) {
        std::fill_n(row, d, 0.0f);
        continue;
      }
      std::copy_n(view.embeddings->row(tokens_.id(static_cast<uint32_t>(first + i))), d, row);
      squared_norm_[first + i] = kernels::squared_norm(row, d);
    }
    view.router->project_gained(rows, seq_len_, gained_.data() + first * experts_, worker);
    view.router->project_raw(rows, seq_len_, raw_.data() + first * experts_, worker);
  });
}

uint64_t TokenProjections::bytes() const {
  return (gained_.size() + raw_.size()) * sizeof(float) + squared_norm_.size() * sizeof(double);
}

}  // namespace rg::experiments
