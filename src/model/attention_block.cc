#include "model/attention_block.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/elementwise.h"

namespace rg::model {
namespace {

using kernels::Compute;

struct Widths {
  uint32_t q, kv, all;  // nh hd, nkv hd, q + 2 kv
};

Widths widths_of(const Model& model) {
  const AttentionSpec& spec = model.attention;
  const uint32_t q = spec.heads * spec.head_width;
  const uint32_t kv = spec.kv_heads * spec.head_width;
  return {q, kv, q + 2 * kv};
}

uint32_t group_of(const Model& model) { return model.attention.heads / model.attention.kv_heads; }

void narrow(const float* in, size_t n, float* out) { std::memcpy(out, in, n * sizeof(float)); }
void narrow(const float* in, size_t n, bf16_t* out) { kernels::round_to_bf16(in, n, out); }

}  // namespace

AttentionShape::AttentionShape(const Model& model, uint32_t rows, Compute compute)
    : AttentionShape(model, rows, compute,
                     kernels::WeightProduct(rows, model.width, widths_of(model).all, compute),
                     kernels::WeightProduct(rows, widths_of(model).q, model.width, compute),
                     kernels::WeightProduct(rows, model.width, model.gate.experts, Compute::f32)) {}

AttentionShape::AttentionShape(const Model& model, uint32_t rows, Compute compute,
                               const AttentionShape& like)
    : AttentionShape(model, rows, compute, kernels::WeightProduct(rows, like.qkv_),
                     kernels::WeightProduct(rows, like.output_),
                     kernels::WeightProduct(rows, like.router_)) {}

AttentionShape::AttentionShape(const Model& model, uint32_t rows, Compute compute,
                               kernels::WeightProduct qkv, kernels::WeightProduct output,
                               kernels::WeightProduct router)
    : rows_(rows),
      qkv_(std::move(qkv)),
      output_(std::move(output)),
      router_(std::move(router)),
      scores_(group_of(model), rows, model.attention.head_width, rows,
              {model.attention.head_width, widths_of(model).all},
              {model.attention.head_width, widths_of(model).all},
              kernels::HeadProduct::Right::transposed, {int64_t{rows} * rows, rows}, compute),
      values_(group_of(model), rows, rows, model.attention.head_width, {int64_t{rows} * rows, rows},
              {model.attention.head_width, widths_of(model).all},
              kernels::HeadProduct::Right::plain, {model.attention.head_width, widths_of(model).q},
              compute) {}

AttentionScratch::AttentionScratch(const Model& model, uint32_t rows, Compute compute)
    : normed_(size_t{rows} * model.width * compute_bytes(compute)),
      qkv_(size_t{rows} * widths_of(model).all),
      rotated_(qkv_.size() * compute_bytes(compute)),
      scores_(size_t{group_of(model)} * rows * rows),
      shares_(scores_.size() * compute_bytes(compute)),
      context_(size_t{rows} * widths_of(model).q),
      narrow_(context_.size() * compute_bytes(compute)) {
  std::memset(normed_.data(), 0, normed_.bytes());
}

size_t AttentionScratch::bytes(const Model& model, uint32_t rows, Compute compute) {
  const size_t narrow_bytes = compute_bytes(compute);
  const size_t scores = size_t{group_of(model)} * rows * rows;
  const Widths widths = widths_of(model);
  return size_t{rows} * (model.width * narrow_bytes + widths.all * (4 + narrow_bytes) +
                         widths.q * (4 + narrow_bytes)) +
         scores * (4 + narrow_bytes);
}

void Attention::run(const AttentionShape& shape, uint32_t length, Mask mask, const float* residual,
                    float* out, AttentionScratch& scratch,
                    kernels::Scratch& products) const noexcept {
  if (compute_ == Compute::bf16) {
    run_as<bf16_t>(shape, length, mask, residual, out, scratch, products);
  } else {
    run_as<float>(shape, length, mask, residual, out, scratch, products);
  }
}

template <typename T>
void Attention::run_as(const AttentionShape& shape, uint32_t length, Mask mask,
                       const float* residual, float* out, AttentionScratch& scratch,
                       kernels::Scratch& products) const noexcept {
  const AttentionSpec& spec = model_.attention;
  const Widths widths = widths_of(model_);
  const uint32_t rows = shape.rows();
  const uint32_t head = spec.head_width;
  const uint32_t group = group_of(model_);

  auto* normed = reinterpret_cast<T*>(scratch.normed_.data());
  for (uint32_t t = 0; t < length; ++t) {
    kernels::rms_norm(residual + size_t{t} * model_.width, weights_.attention_gain.data(),
                      model_.width, model_.norm_epsilon, normed + size_t{t} * model_.width);
  }
  std::fill(normed + size_t{length} * model_.width, normed + size_t{rows} * model_.width, T{});
  float* qkv = scratch.qkv_.data();
  shape.qkv().run(normed, weights_.qkv, qkv, products);

  // Norm over the full width, then clip, then RoPE per head; the score scale goes into q.
  auto* rotated = reinterpret_cast<T*>(scratch.rotated_.data());
  for (uint32_t t = 0; t < rows; ++t) {
    float* q = qkv + size_t{t} * widths.all;
    float* k = q + widths.q;
    if (spec.qk_norm) {
      kernels::rms_norm(q, weights_.q_gain.data(), widths.q, model_.norm_epsilon, q);
      kernels::rms_norm(k, weights_.k_gain.data(), widths.kv, model_.norm_epsilon, k);
    }
    if (spec.clip_qkv) kernels::clamp(*spec.clip_qkv, widths.all, q);
    const uint32_t position = std::min(t, length - 1);
    for (uint32_t h = 0; h < spec.heads + spec.kv_heads; ++h) {
      kernels::rotate_half_split(rope_.cos(position), rope_.sin(position), head, q + h * head);
    }
    kernels::set_scaled(spec.scale, q, widths.q, q);
    narrow(q, widths.all, rotated + size_t{t} * widths.all);
  }

  float* scores = scratch.scores_.data();
  auto* shares = reinterpret_cast<T*>(scratch.shares_.data());
  for (uint32_t kv = 0; kv < spec.kv_heads; ++kv) {
    const T* q = rotated + size_t{kv} * group * head;
    const T* k = rotated + widths.q + size_t{kv} * head;
    const T* v = k + widths.kv;
    shape.scores().run(q, k, scores, products);
    for (uint32_t row = 0; row < group * rows; ++row) {
      const uint32_t t = row % rows;
      float* score = scores + size_t{row} * rows;
      const uint32_t keys = mask == Mask::causal ? std::min(t + 1, length) : length;
      kernels::softmax(score, keys, score);
      std::fill(score + keys, score + rows, 0.0f);
      narrow(score, rows, shares + size_t{row} * rows);
    }
    shape.values().run(shares, v, scratch.context_.data() + size_t{kv} * group * head, products);
  }

  auto* context = reinterpret_cast<T*>(scratch.narrow_.data());
  narrow(scratch.context_.data(), size_t{rows} * widths.q, context);
  shape.output().run(context, weights_.output, out, products);
}

}  // namespace rg::model
