// Router products of every distinct token's embedding, computed once per layer instead of once per
// token.
#pragma once

#include <vector>

#include "experiments/common.h"
#include "experiments/token_index.h"

namespace rg::experiments {

class TokenProjections {
 public:
  TokenProjections(const TokenIndex& tokens, uint32_t experts, uint32_t seq_len);

  // Rows are gathered `seq_len` at a time in ascending id, the last group padded with zeros.
  void compute(const tap::LayerView& view, Scratch& scratch);

  const float* gained(uint32_t token) const { return gained_.data() + size_t{token} * experts_; }
  const float* raw(uint32_t token) const { return raw_.data() + size_t{token} * experts_; }
  double squared_norm(uint32_t token) const { return squared_norm_[token]; }
  uint64_t bytes() const;

 private:
  const TokenIndex& tokens_;
  const uint32_t experts_, seq_len_;
  size_t groups_;
  std::vector<float> gained_, raw_;  // (distinct ids, padded to groups of seq_len; E)
  std::vector<double> squared_norm_;
};

}  // namespace rg::experiments
