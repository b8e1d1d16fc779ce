#include "model/blocks/head_attention.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {
namespace {

using kernels::Compute;
using kernels::HeadProduct;

// Scores of one query: a key each, and room for the sink after the last one.
uint32_t score_stride(const HeadLayout& layout, uint32_t rows) {
  return layout.sinks ? rows + 16 : rows;
}

HeadProduct::Side side(const HeadPlaces& places) { return {places.head_stride, places.row_stride}; }

}  // namespace

HeadAttention::HeadAttention(const HeadLayout& layout, Compute compute,
                             std::span<const uint32_t> rows)
    : layout_(layout), compute_(compute) {
  const uint32_t group = layout.heads / layout.kv_heads, width = layout.value.width;
  for (const uint32_t n : rows) {
    const uint32_t stride = score_stride(layout, n);
    const HeadProduct::Side scores = {int64_t{n} * stride, stride};
    by_rows_.try_emplace(
        n, Products{.scores = HeadProduct(group, n, layout.query.width, n, side(layout.query),
                                          side(layout.key), HeadProduct::Right::transposed, scores,
                                          compute),
                    .values = HeadProduct(group, n, n, width, scores, side(layout.value),
                                          HeadProduct::Right::plain,
                                          {width, int64_t{layout.heads} * width}, compute)});
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
                                Compute compute) {
  const size_t all = size_t{layout.heads / layout.kv_heads} * rows * score_stride(layout, rows);
  scores = arena.take<float>(all);
  shares = arena.take<std::byte>(all * kernels::compute_bytes(compute));
}

void HeadAttention::run(uint32_t rows, uint32_t length, Mask mask, const Inputs& inputs,
                        const Buffers& buffers, kernels::Scratch& products,
                        float* context) const noexcept {
  if (compute_ == Compute::bf16) {
    run_as<bf16_t>(rows, length, mask, inputs, buffers, products, context);
  } else {
    run_as<float>(rows, length, mask, inputs, buffers, products, context);
  }
}

template <typename T>
void HeadAttention::run_as(uint32_t rows, uint32_t length, Mask mask, const Inputs& inputs,
                           const Buffers& buffers, kernels::Scratch& products,
                           float* context) const noexcept {
  const Products& prepared = by_rows_.at(rows);
  const uint32_t group = layout_.heads / layout_.kv_heads, stride = score_stride(layout_, rows);
  auto* shares = reinterpret_cast<T*>(buffers.shares);
  const auto* query = reinterpret_cast<const T*>(inputs.query);
  const auto* key = reinterpret_cast<const T*>(inputs.key);
  const auto* value = reinterpret_cast<const T*>(inputs.value);
  for (uint32_t kv = 0; kv < layout_.kv_heads; ++kv) {
    prepared.scores.run(query + size_t{kv} * group * layout_.query.head_stride,
                        key + size_t{kv} * layout_.key.head_stride, buffers.scores, products);
    for (uint32_t row = 0; row < group * rows; ++row) {
      const uint32_t t = std::min(row % rows, length - 1);
      float* score = buffers.scores + size_t{row} * stride;
      const uint32_t end = mask == Mask::causal ? t + 1 : length;
      const uint32_t first = mask == Mask::causal && layout_.window && end > *layout_.window
                                 ? end - *layout_.window
                                 : 0;
      if (layout_.sinks) score[end] = inputs.sinks[kv * group + row / rows];
      kernels::softmax(score + first, end - first + (layout_.sinks ? 1 : 0), score + first);
      std::fill(score, score + first, 0.0f);
      std::fill(score + end, score + stride, 0.0f);
      narrow(score, stride, shares + size_t{row} * stride);
    }
    prepared.values.run(shares, value + size_t{kv} * layout_.value.head_stride,
                        context + size_t{kv} * group * layout_.value.width, products);
  }
}

}  // namespace rg::model
