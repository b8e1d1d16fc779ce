// Softmax attention of one layer, plain, in fp64, and the two functions from scores to weights.
#pragma once

#include <vector>

#include "theorems/rotary.h"
#include "theorems/tensors.h"

namespace rg::theorems {

Vector softmax(VectorView scores);
Vector sigmoid(VectorView scores);  // of every score

struct AttentionLayer {
  Eigen::Index heads, kv_heads;  // query head h reads key head h / (heads / kv_heads)
  Tensor query;                  // (heads d, D)
  Tensor key, value;             // (kv_heads d, D)
  Tensor output;                 // (D, heads d)
  Rotary rotary;                 // of size d
  // (d, d), one per key head: factors of queries and keys after RoPE; empty: none.
  std::vector<Tensor> query_gauge, key_gauge;
};

// Causal attention over the rows of the inputs (tokens, D), row n at position n: (tokens, D).
Tensor attend(const AttentionLayer& layer, TensorView inputs);

}  // namespace rg::theorems
