// What changes a layer's keys and values between their making and the attention scores, as a cache
// that keeps them in fewer bits does. Whoever runs the mixer says of which layers, and at which
// step. Everything after the change follows from it: later tokens, layers and gates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rg::model {

// Where the rows stand when they are changed.
enum class KeyStep {
  // Softmax attention, before RoPE: after a norm in front of it and clip. Values as averaged.
  normed,
  // What enters the scores, without their scale: after RoPE and a norm behind it. In latent
  // attention a head's own part, then the rotated one, which is another copy in every head. Values
  // as averaged.
  scored,
  // Latent attention, what an engine caches: the latent after its norm and the rotated part that
  // all heads share. Keys and values of all heads are made of them.
  latent,
};

// Rows of consecutive positions, fp32, to be changed in place.
struct ChangedRows {
  float* first = nullptr;  // null: the step has no such rows
  size_t stride = 0;       // floats from one position to the next
  uint32_t width = 0;

  std::span<float> at(uint32_t position) const { return {first + position * stride, width}; }
};

// One head of one whole sequence: positions 0 .. positions-1, without padding.
struct ChangedHead {
  KeyStep step;
  int layer;                   // index in the model
  uint32_t head;               // of keys and values; 0 at KeyStep::latent, which all heads share
  size_t first_row;            // of position 0 among the rows of the pass: its sets in order
  uint32_t positions;          // tokens of the sequence
  int worker;                  // [0, threads): one call at a time for each
  ChangedRows keys, values;    // null at KeyStep::latent
  ChangedRows latent, shared;  // null but at KeyStep::latent; `shared` after RoPE
};

class KeyChange {
 public:
  virtual ~KeyChange() = default;
  // Once for each head of each sequence, whatever the blocks and threads; concurrently, in any
  // order of sequences. What it writes may depend on the head and its place alone, not on other
  // calls. A product in bf16 rounds what it writes as it rounds unchanged rows. A number that isn't
  // finite spoils the sequence, in values earlier positions too, and is found in the logits.
  virtual void change(const ChangedHead& head) noexcept = 0;
};

// What one call of a mixer has changed.
struct KeyChangeCall {
  KeyChange* change;
  KeyStep step;
  int layer, worker;
  size_t first_row;  // of the first sequence
  float* scratch;    // key_change_bytes(), 64-byte aligned

  // All of a head of the call's `sequence` but the rows themselves.
  ChangedHead head(uint32_t sequence, uint32_t length, uint32_t head) const {
    return {.step = step,
            .layer = layer,
            .head = head,
            .first_row = first_row + size_t{sequence} * length,
            .positions = length,
            .worker = worker,
            .keys = {},
            .values = {},
            .latent = {},
            .shared = {}};
  }
};

}  // namespace rg::model
