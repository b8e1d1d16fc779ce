#include "model/blocks/head_attention.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {

using kernels::Compute;
using kernels::HeadProduct;

HeadAttention::HeadAttention(const HeadLayout& layout, Compute compute,
                             std::span<const uint32_t> rows)
    : layout_(layout), compute_(compute) {
  const uint32_t group = layout.heads / layout.kv_heads;
  for (const uint32_t n : rows) {
    const HeadProduct::Side square = {int64_t{n} * n, n};
    by_rows_.try_emplace(
        n, Products{.scores = HeadProduct(group, n, layout.key_width, n,
                                          {layout.key_width, layout.query_stride},
                                          {layout.key_width, layout.key_stride},
                                          HeadProduct::Right::transposed, square, compute),
                    .values = HeadProduct(
                        group, n, n, layout.value_width, square,
                        {layout.value_width, layout.value_stride}, HeadProduct::Right::plain,
                        {layout.value_width, layout.heads * layout.value_width}, compute)});
  }
}

size_t HeadAttention::product_scratch_bytes() const {
  size_t bytes = 0;
  for (const auto& [rows, products] : by_rows_) {
    bytes = std::max({bytes, products.scores.scratch_bytes(), products.values.scratch_bytes()});
  }
  return bytes;
}

HeadAttention::Buffers::Buffers(Arena& arena, const HeadLayout& layout, uint32_t rows,
                                Compute compute)
    : scores(arena.take<float>(size_t{layout.heads / layout.kv_heads} * rows * rows)),
      shares(arena.take<std::byte>(size_t{layout.heads / layout.kv_heads} * rows * rows *
                                   kernels::compute_bytes(compute))),
      context(arena.take<float>(size_t{rows} * layout.heads * layout.value_width)) {}

void HeadAttention::run(uint32_t rows, uint32_t length, Mask mask, const std::byte* q,
                        const std::byte* k, const std::byte* v, const Buffers& buffers,
                        kernels::Scratch& products) const noexcept {
  const auto run_typed = [&](auto type) {
    using T = decltype(type);
    run_as(rows, length, mask, reinterpret_cast<const T*>(q), reinterpret_cast<const T*>(k),
           reinterpret_cast<const T*>(v), buffers, products);
  };
  compute_ == Compute::bf16 ? run_typed(bf16_t{}) : run_typed(float{});
}

template <typename T>
void HeadAttention::run_as(uint32_t rows, uint32_t length, Mask mask, const T* q, const T* k,
                           const T* v, const Buffers& buffers,
                           kernels::Scratch& products) const noexcept {
  const Products& prepared = by_rows_.at(rows);
  const uint32_t group = layout_.heads / layout_.kv_heads;
  auto* shares = reinterpret_cast<T*>(buffers.shares);
  for (uint32_t kv = 0; kv < layout_.kv_heads; ++kv) {
    prepared.scores.run(q + size_t{kv} * group * layout_.key_width,
                        k + size_t{kv} * layout_.key_width, buffers.scores, products);
    for (uint32_t row = 0; row < group * rows; ++row) {
      const uint32_t t = row % rows;
      float* score = buffers.scores + size_t{row} * rows;
      const uint32_t keys = mask == Mask::causal ? std::min(t + 1, length) : length;
      kernels::softmax(score, keys, score);
      std::fill(score + keys, score + rows, 0.0f);
      narrow(score, rows, shares + size_t{row} * rows);
    }
    prepared.values.run(shares, v + size_t{kv} * layout_.value_width,
                        buffers.context + size_t{kv} * group * layout_.value_width, products);
  }
}

}  // namespace rg::model
