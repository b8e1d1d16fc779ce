// softmax(q k^T) v for the heads of one sequence: what softmax attention and latent attention have
// in common once their queries, keys and values are there.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "kernels/product.h"
#include "model/blocks/arena.h"

namespace rg::model {

enum class Mask { causal, none };

// Where the heads of queries, keys or values are: element [row][head][i] is at
// row * row_stride + head * head_stride + i.
struct HeadPlaces {
  uint32_t width, head_stride, row_stride;
};

struct HeadLayout {
  uint32_t heads,
      kv_heads;  // heads / kv_heads consecutive query heads share one of keys and values
  HeadPlaces query, key, value;
  std::optional<uint32_t> window;  // keys that a query sees, its own included
  bool sinks;
};

class HeadAttention {
 public:
  // For sequences of any of `rows` rows.
  HeadAttention(const HeadLayout& layout, kernels::Compute compute, std::span<const uint32_t> rows);

  size_t product_scratch_bytes() const;
  // One worker's buffers, for a sequence of up to `rows` rows.
  struct Buffers {
    Buffers(Arena& arena, const HeadLayout& layout, uint32_t rows, kernels::Compute compute);
    float* scores;      // (nh/nkv, rows, rows or more)
    std::byte* shares;  // the same, compute type
  };
  struct Inputs {
    const std::byte *query, *key, *value;  // compute type; queries hold the score scale already
    const float* sinks;                    // (nh), with layout.sinks
  };

  // context (rows, nh value_width); rows past `length` are meaningless.
  void run(uint32_t rows, uint32_t length, Mask mask, const Inputs& inputs, const Buffers& buffers,
           kernels::Scratch& products, float* context) const noexcept;

 private:
  struct Products {
    kernels::HeadProduct scores, values;
  };
  template <typename T>
  void run_as(uint32_t rows, uint32_t length, Mask mask, const Inputs& inputs,
              const Buffers& buffers, kernels::Scratch& products, float* context) const noexcept;

  HeadLayout layout_;
  kernels::Compute compute_;
  std::map<uint32_t, Products> by_rows_;
};

}  // namespace rg::model
