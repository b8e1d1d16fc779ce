// RoPE for the sequences of a run: its tables, and the rotation of one head.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "kernels/elementwise.h"
#include "kernels/rope.h"
#include "model/rope.h"

namespace rg::model {

class Rotation {
 public:
  // For sequences of up to `longest` tokens.
  Rotation(const Rope& rope, uint32_t longest)
      : rope_(rope), table_(frequencies(rope, 1), amplitude(rope, 1), longest) {
    const auto* scaled = std::get_if<LongRope>(&rope.scaling);
    if (scaled == nullptr || longest <= scaled->original_positions) return;
    long_from_ = scaled->original_positions + 1;
    long_table_.emplace(frequencies(rope, longest), amplitude(rope, longest), longest);
  }

  // Of a token in a sequence of `length`.
  void rotate(uint32_t position, uint32_t length, float* head) const noexcept {
    const kernels::RopeTable& table = length >= long_from_ ? *long_table_ : table_;
    const float *cos = table.cos(position), *sin = table.sin(position);
    if (rope_.pairing == RopePairing::half_split) {
      kernels::rotate_half_split(cos, sin, rope_.dims, head);
    } else {
      kernels::rotate_interleaved(cos, sin, rope_.dims, head);
    }
  }

 private:
  Rope rope_;
  kernels::RopeTable table_;
  uint32_t long_from_ = UINT32_MAX;  // tokens of a sequence
  std::optional<kernels::RopeTable> long_table_;
};

}  // namespace rg::model
