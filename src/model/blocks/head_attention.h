// softmax(q k^T) v for the heads of one sequence: what softmax attention and latent attention have
// in common once their queries, keys and values are there.
#pragma once

#include <map>
#include <span>

#include "kernels/product.h"
#include "model/blocks/arena.h"

namespace rg::model {

enum class Mask { causal, none };

// Where the heads of queries, keys and values are: element [row][head][i] is at
// row * row_stride + head * width + i.
struct HeadLayout {
  uint32_t heads, kv_heads;         // heads / kv_heads consecutive query heads share one of k and v
  uint32_t key_width, value_width;  // of one head
  uint32_t query_stride, key_stride, value_stride;  // between rows
};

class HeadAttention {
 public:
  // For sequences of any of `rows` rows.
  HeadAttention(const HeadLayout& layout, kernels::Compute compute, std::span<const uint32_t> rows);

  size_t product_scratch_bytes() const;
  // One worker's buffers, for sequences of up to `rows` rows.
  struct Buffers {
    Buffers(Arena& arena, const HeadLayout& layout, uint32_t rows, kernels::Compute compute);
    float* scores;      // (nh/nkv, rows, rows)
    std::byte* shares;  // the same, compute type
    float* context;     // (rows, nh value_width)
  };

  // Queries hold the score scale already. Fills buffers.context; rows past `length` are
  // meaningless. q, k and v in the compute type.
  void run(uint32_t rows, uint32_t length, Mask mask, const std::byte* q, const std::byte* k,
           const std::byte* v, const Buffers& buffers, kernels::Scratch& products) const noexcept;

 private:
  struct Products {
    kernels::HeadProduct scores, values;
  };
  template <typename T>
  void run_as(uint32_t rows, uint32_t length, Mask mask, const T* q, const T* k, const T* v,
              const Buffers& buffers, kernels::Scratch& products) const noexcept;

  HeadLayout layout_;
  kernels::Compute compute_;
  std::map<uint32_t, Products> by_rows_;
};

}  // namespace rg::model
