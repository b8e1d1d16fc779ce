// The tensors of one layer that checks on a checkpoint read: some contexts of real tokens. A row is
// a token of the sample: position r mod positions of context r / positions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "theorems/rotary.h"
#include "theorems/tensors.h"
#include "theorems/top_k.h"

namespace rg::slack {

using theorems::Tensor;
using theorems::TensorView;
using theorems::Vector;
using theorems::VectorView;

// Which tokens: the first `positions` of `contexts` windows.
struct Contexts {
  uint32_t contexts, positions;
  std::vector<uint32_t> query_positions;  // of each context, ascending, none 0
  uint32_t rows() const { return contexts * positions; }
  uint32_t tokens() const;  // at query positions
  uint32_t row_of(uint32_t token) const;
};

// What a layer's attention is, as far as theorems ask for it.
struct KeyFacts {
  uint32_t heads, kv_heads, key_width;
  bool before_rope;                // keys before RoPE are seen
  theorems::Rotary rotary;         // planes of the layer, then the columns without one; of size 0
                                   // without RoPE
  std::vector<uint32_t> columns;   // (key_width) where the planes' columns are in a head's keys
  std::optional<uint32_t> window;  // keys that a query sees; none: all before it
  uint32_t planes() const { return static_cast<uint32_t>(rotary.frequencies.size()); }
  uint32_t group() const { return heads / kv_heads; }
};

// What a layer's gate is.
struct GateFacts {
  uint32_t experts, top_k;
  bool plain;         // the experts chosen have the largest logits
  bool full_softmax;  // weights are a softmax over all experts
  bool logit_bias;
  bool finite;  // sampled inputs and logits
};

struct LayerFacts {
  int layer;
  uint64_t seed;  // of random rotations and directions
  Contexts contexts;
  std::optional<KeyFacts> keys;  // none: the layer has no keys that can be measured
  GateFacts gate;
};

// One KV head and the query heads that share it. Queries are scaled so that scores are q'k/sqrt(d).
struct HeadSample {
  const LayerFacts* layer;
  uint32_t head;
  Tensor keys;                        // (rows, d) as they enter the scores
  Tensor values;                      // (rows, d_v)
  std::vector<Tensor> queries;        // per query head of the group: (tokens, d)
  Tensor early_keys;                  // (positions, d) of context 0 before RoPE, columns by planes
  std::vector<Tensor> early_queries;  // (queries of context 0, d) likewise
  const std::vector<theorems::Set>* routes;  // (rows)
  const Tensor* logits;                      // (rows, E)
};

struct GateSample {
  const LayerFacts* layer;
  Tensor logits;                      // (rows, E) the gate's own
  std::vector<theorems::Set> routes;  // (rows)
  Tensor router;                      // (E, D)
  Tensor inputs, inputs_before;       // (tokens, D): of the token, and of the one before it
  // Outputs (tokens, D) of the experts of rank k and k + 1; ids -1 where there is none.
  Tensor last_output, next_output;
  std::vector<int32_t> last, next;
};

// Rows of the keys that the query of `token` sees: first row and number.
struct Visible {
  Eigen::Index first, count;
};
Visible visible_keys(const LayerFacts& layer, uint32_t token);

}  // namespace rg::slack
