// Linear attention with a decaying state, over one sequence and one head; vectorised through
// Highway with run-time dispatch. Every output column is computed by itself in the same order for
// every instruction set.
#pragma once

#include <cstddef>

namespace rg::kernels {

// With a state S (keys, values) that starts at zero, for each token in turn
//   S := diag(decay) S
//   delta := beta (value - S^T key)   the delta rule (arXiv 2412.06464), or, without `beta`,
//   delta := value                    Mamba-2 (arXiv 2405.21060)
//   S += key delta^T;  out := S^T query
struct Recurrence {
  size_t tokens, keys, values;
  const float *query, *key;  // (tokens, keys), rows `key_stride` apart
  size_t key_stride;
  const float* decay;  // (tokens, keys), rows `keys` apart, with decay_per_key; else (tokens)
  bool decay_per_key;  // false: one factor for all keys of a token
  const float* beta;   // (tokens) or null
  const float* value;  // (tokens, values), rows `value_stride` apart
  float* out;          // the same layout; may be `value`
  size_t value_stride;
};

size_t recurrence_scratch(size_t tokens, size_t keys);  // floats
// `scratch`: so many floats.
void run_recurrence(const Recurrence& of, float* scratch) noexcept;

}  // namespace rg::kernels
