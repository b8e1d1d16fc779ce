// How every token mixer is prepared and called.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "kernels/product.h"
#include "model/blocks/head_attention.h"
#include "model/blocks/key_change.h"
#include "model/blocks/keys.h"

namespace rg::model {

// The rows of a mixer's calls. Where the fast product needs more rows than a window has (ADR 2), a
// call takes several sequences of one length, and large products join their rows.
struct CallShape {
  uint32_t rows;       // of one sequence, padded
  uint32_t sequences;  // at most, of a call
  uint32_t joined;     // rows of a product that joins them: sequences * rows, padded

  // One sequence per call.
  static CallShape single(uint32_t rows) { return {rows, 1, rows}; }
  // As many sequences as fill the lowest tile, where a tile holds them; else one.
  static CallShape filling_a_tile(uint32_t rows, kernels::Compute compute) {
    constexpr uint32_t kMany = std::numeric_limits<uint32_t>::max();
    const std::vector<uint32_t> heights = kernels::tile_heights(kMany, compute);
    if (rows >= heights.front()) return single(rows);
    const uint32_t sequences = (heights.front() + rows - 1) / rows;
    const uint32_t joined = (sequences * rows + 31) / 32 * 32;
    return joined <= heights.back() ? CallShape{rows, sequences, joined} : single(rows);
  }
  bool operator==(const CallShape&) const = default;
};

struct MixerSetting {
  uint32_t width;  // d
  kernels::Compute compute;
  std::span<const CallShape> shapes;  // of the calls to come, distinct; the first packs weights

  std::vector<uint32_t> rows() const {  // of one sequence, for each shape
    std::vector<uint32_t> all;
    for (const CallShape& shape : shapes) all.push_back(shape.rows);
    return all;
  }
  uint32_t longest() const {  // of rows()
    uint32_t longest = 0;
    for (const CallShape& shape : shapes) longest = std::max(longest, shape.rows);
    return longest;
  }
  uint32_t most_rows() const {  // of a call
    uint32_t rows = 0;
    for (const CallShape& shape : shapes) rows = std::max(rows, shape.joined);
    return rows;
  }
};

// `sequences` of `length` tokens each, padded to shape.rows, one after another.
struct MixerCall {
  CallShape shape;
  uint32_t sequences, length;
  Mask mask;
  const std::byte* in;  // (shape.joined, d) compute type; zeros where there is no token
  float* out;           // (shape.joined, d); rows without a token are meaningless
  std::byte* scratch;   // scratch_bytes(), 64-byte aligned
  kernels::Scratch* products;
  const KeyRows* keys = nullptr;  // written on request, by mixers that have keys
  // Null: nothing is changed. Only for mixers that have keys, at a step that they have.
  const KeyChangeCall* changes = nullptr;

  uint32_t rows() const { return sequences * shape.rows; }  // of all sequences
  bool changes_at(KeyStep step) const { return changes != nullptr && changes->step == step; }
  // The row of `keys` for row t of the call; none where nothing is asked or there is no token.
  std::optional<size_t> key_row(uint32_t t) const {
    const uint32_t position = t % shape.rows;
    if (keys == nullptr || position >= length) return {};
    return size_t{t / shape.rows} * length + position;
  }
};

}  // namespace rg::model
