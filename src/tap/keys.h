// What an experiment may see of one layer's queries, keys and values, of dense layers too: fp32,
// before the rounding to a product's compute type; at a step that the pass changes, before that.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tap/block.h"

namespace rg::tap {

// Over what QK-norm is taken, and when.
enum class KeyNorm {
  none,
  full_width,        // all heads together
  per_head,          // each head by itself
  per_head_rotated,  // the same, after the rotation
};

// Columns of plane p of the n rotated ones, counted from the first of them.
enum class Planes {
  half_split,   // p and p + n/2
  interleaved,  // 2p and 2p + 1
};

// RoPE turns plane p of a head at `position` by position * frequencies[p] (in radians) and
// multiplies it by `factor`.
struct RotationView {
  uint32_t first_column, columns;  // of a head; n = columns, an even number
  Planes planes;
  std::span<const float> frequencies;  // (n/2), after YaRN and the like; may be 0
  float factor;                        // attention factor
  // Instead of these, in sequences of `long_from` tokens or more (LongRoPE).
  std::optional<uint32_t> long_from;
  std::span<const float> long_frequencies;
  float long_factor;
};

// What one layer's attention is. Lives from its begin_keys to its end_keys.
struct KeyView {
  int layer;               // index in the model, 0-based
  std::string_view mixer;  // "attention" or "latent attention"
  uint32_t width;          // d
  // Query heads h*r .. h*r + r-1, r = heads / kv_heads, share head h of keys and values. Widths
  // are of one head: queries and keys; values.
  uint32_t heads, kv_heads, key_width, value_width;
  std::optional<RotationView> rotation;  // none: the layer has no positions
  KeyNorm norm;
  float norm_epsilon;                     // 0 without a norm
  bool norm_is_rms;                       // false: it subtracts the mean first
  std::optional<float> clip;              // queries, keys, values to [-clip, clip]
  bool query_bias, key_bias, value_bias;  // in latent attention of the projections down
  bool values_are_keys;                   // values come from the projected keys, before their norm
  float scale;                            // scores = scale * q k
  std::optional<uint32_t> window;         // keys that a query sees, its own included; none: all
  bool sinks;                             // a logit per query head without a value
  // Latent attention, else 0: width of the latent; last columns of a head's keys, which all heads
  // share and of which the rotated ones are.
  uint32_t latent_width, shared_width;
  // The norm between residual stream and projections: its gains (d), its epsilon, and whether it is
  // x / rms(x) times the gains.
  std::span<const float> input_gain;
  float input_epsilon;
  bool input_is_rms;
  // Whether what attention adds at a sequence's first position is a linear map of its input: no
  // biases of values and output, no norm, clip or gate after them, no sinks.
  bool linear_at_first;
  // needs.key_projection, else null: what projects the input on keys, fp32, (kv_heads * key_width,
  // d); in latent attention (latent_width + shared_width, d).
  const float* projection;
  int threads;  // workers that on_keys may be called from
};

// Queries (rows, heads * key_width) or keys (rows, kv_heads * key_width), head by head, step by
// step. A step that the layer lacks is the same pointer as the step before.
struct KeySteps {
  const float* projected;  // with bias
  const float* normed;     // after QK-norm and clip, before RoPE
  const float* rotated;    // after RoPE
  const float* scored;     // after KeyNorm::per_head_rotated: what enters the scores, without their
                           // scale; keys: what is cached
};

// Whole sequences of one set, one or more of a block: positions are 0, 1, .. in each. The gate's
// input of the same rows comes with on_gate.
struct KeyBlock : Block {
  const float* residual_in;  // (rows,d) the residual stream as it enters the layer
  const float* input;        // (rows,d) what the projections read: after the input norm
  KeySteps queries, keys;    // latent attention: of keys only `scored`, the others are null
  const float* values;       // (rows, kv_heads * value_width) as averaged
  // Latent attention, else null. Cached is the latent after its norm and the rotated shared part.
  const float* latent;          // (rows, latent_width)
  const float* shared;          // (rows, shared_width) before RoPE
  const float* shared_rotated;  // the same after it
};

}  // namespace rg::tap
