// What softmax and latent attention leave of their queries, keys and values for those who ask: the
// facts of a layer's attention, and the rows that a call writes. Other mixers have no keys.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "model/blocks/key_change.h"
#include "model/layer.h"

namespace rg::model {

// Constant over a layer.
struct KeyFacts {
  uint32_t heads, kv_heads;     // query heads; heads of keys and values
  uint32_t width, value_width;  // of one head's queries and keys; of its values
  const Rope* rope;             // the mixer's; null: no positions
  uint32_t shared_width;        // of a head's last columns, the same in all heads; 0: none
  uint32_t first_rotated;       // column of a head from which rope->dims columns are rotated
  QkNorm norm;
  NormSpec norm_spec;  // without meaning if there is no norm
  std::optional<float> clip;
  bool query_bias, key_bias, value_bias;  // in latent attention of the projections down
  bool values_are_keys;                   // values come from the projected keys, before their norm
  float scale;                            // of the scores
  std::optional<uint32_t> window;         // keys that a query sees, its own included
  bool sinks;
  uint32_t latent;  // width of the latent of keys and values; 0: none
  // What the mixer adds at the first position is a linear map of what it reads.
  bool linear_at_first;
};

// None for a mixer without keys. Valid as long as the mixer.
std::optional<KeyFacts> key_facts(const Mixer& mixer);
// What projects the mixer's input on keys, (kv_heads width, d); in latent attention the one down,
// (latent + shared_width, d). Null for a mixer without keys.
const Weight* key_projection(const Mixer& mixer);
// "attention", "latent attention", "gated delta net", ...
std::string_view mixer_name(const Mixer& mixer);

// Where a call writes, fp32, before the rounding to the compute type; rows of its tokens without
// padding, one sequence after another: (rows, heads width) and (rows, kv_heads width), head by
// head. A step that a layer lacks has the array of the step before, and is not written again.
struct KeyRows {
  struct Steps {
    float* projected;  // with bias; the first three are null for the keys of latent attention
    float* normed;     // after a norm in front of the rotation, and clip
    float* rotated;    // after RoPE
    float* scored;     // after a norm behind it: what enters the scores, without their scale
  };
  Steps queries, keys;
  float* values;  // (rows, kv_heads value_width) as averaged
  // Latent attention, else null: (rows, latent) after its norm; (rows, shared_width) the part of
  // the keys that all heads share, before and after RoPE.
  float *latent, *shared, *shared_rotated;
};

// Whether keys can be changed there.
bool has_step(const KeyFacts& facts, KeyStep step);
// Of KeyChangeCall::scratch, for sequences of up to `length` tokens.
size_t key_change_bytes(const KeyFacts& facts, size_t length);

// Arrays for up to `rows` rows, cut from `memory` (64-byte aligned).
KeyRows place_key_rows(const KeyFacts& facts, size_t rows, std::byte* memory);
size_t key_rows_bytes(const KeyFacts& facts, size_t rows);

}  // namespace rg::model
