#include "model/blocks/attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {
namespace {

using kernels::Compute;

HeadLayout layout_of(const Attention& attention) {
  const AttentionSpec& spec = attention.spec;
  const uint32_t hd = spec.head_width, all = (spec.heads + 2 * spec.kv_heads) * hd;
  return {.heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .query = {hd, hd, all},
          .key = {hd, hd, all},
          .value = {hd, hd, all},
          .window = spec.window,
          .sinks = static_cast<bool>(attention.sinks)};
}

}  // namespace

struct AttentionProducts::Buffers {
  Buffers(Arena& arena, const AttentionProducts& of)
      : qkv(arena.take<float>(size_t{of.longest_} * of.all_width_)),
        narrow(arena.take<std::byte>(size_t{of.longest_} * of.all_width_ *
                                     compute_bytes(of.compute_))),
        heads(arena, of.layout_, of.longest_, of.compute_) {}
  float* qkv;         // (rows, q + 2 kv)
  std::byte* narrow;  // the same, compute type; later the heads' context
  HeadAttention::Buffers heads;
};

AttentionProducts::AttentionProducts(const Attention& attention, const MixerSetting& setting)
    : spec_(attention.spec),
      compute_(setting.compute),
      width_(setting.width),
      longest_(*std::max_element(setting.rows.begin(), setting.rows.end())),
      q_width_(spec_.heads * spec_.head_width),
      kv_width_(spec_.kv_heads * spec_.head_width),
      all_width_(q_width_ + 2 * kv_width_),
      layout_(layout_of(attention)),
      qkv_(setting.width, all_width_, setting.compute, setting.rows),
      output_(q_width_, setting.width, setting.compute, setting.rows),
      heads_(layout_, setting.compute, setting.rows) {
  if (spec_.rope) rotation_.emplace(*spec_.rope, longest_);
}

bool AttentionProducts::serves(const Attention& attention) const {
  return attention.spec == spec_ && static_cast<bool>(attention.sinks) == layout_.sinks;
}

size_t AttentionProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

size_t AttentionProducts::product_scratch_bytes() const {
  return std::max({qkv_.product_scratch_bytes(), output_.product_scratch_bytes(),
                   heads_.product_scratch_bytes()});
}

AttentionProducts::Packed AttentionProducts::pack(const Attention& attention, WeightSource& source,
                                                  std::byte* memory, std::byte* staging) const {
  Packed packed;
  std::byte* at = staging;
  for (const Weight* part : {&attention.q, &attention.k, &attention.v}) {
    source.read(*part, compute_, at, nullptr);
    at += part->elements() * compute_bytes(compute_);
  }
  packed.qkv = qkv_.pack(staging, memory);
  if (attention.q_bias) {
    packed.qkv_bias = Buffer<float>(all_width_);
    float* bias = packed.qkv_bias.data();
    for (const Weight* part : {&attention.q_bias, &attention.k_bias, &attention.v_bias}) {
      source.read(*part, Compute::f32, reinterpret_cast<std::byte*>(bias), nullptr);
      bias += part->elements();
    }
  }
  if (spec_.qk_norm != QkNorm::none) {
    packed.q_norm = NormWeights({spec_.qk_norm_spec, attention.q_norm}, source);
    packed.k_norm = NormWeights({spec_.qk_norm_spec, attention.k_norm}, source);
  }
  packed.sinks = read_values(source, attention.sinks);
  source.read(attention.o, compute_, staging, nullptr);
  packed.output = output_.pack(staging, memory + qkv_.packed_bytes());
  packed.output_bias = read_values(source, attention.o_bias);
  return packed;
}

void AttentionProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  compute_ == Compute::bf16 ? run_as<bf16_t>(weights, call) : run_as<float>(weights, call);
}

void AttentionProducts::norm_heads(const Packed& weights, float* q) const noexcept {
  for (uint32_t h = 0; h < spec_.heads + spec_.kv_heads; ++h) {
    float* head = q + size_t{h} * spec_.head_width;
    (h < spec_.heads ? weights.q_norm : weights.k_norm).apply(head, head);
  }
}

template <typename T>
void AttentionProducts::run_as(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  qkv_.of(call.rows).run(call.in, weights.qkv, buffers.qkv, *call.products);

  // The score scale goes into q.
  auto* narrowed = reinterpret_cast<T*>(buffers.narrow);
  for (uint32_t t = 0; t < call.rows; ++t) {
    float* q = buffers.qkv + size_t{t} * all_width_;
    float* k = q + q_width_;
    if (weights.qkv_bias.size() != 0) kernels::add(weights.qkv_bias.data(), all_width_, q);
    if (spec_.qk_norm == QkNorm::full_width) {
      weights.q_norm.apply(q, q);
      weights.k_norm.apply(k, k);
    } else if (spec_.qk_norm == QkNorm::per_head) {
      norm_heads(weights, q);
    }
    if (spec_.clip_qkv) kernels::clamp(*spec_.clip_qkv, all_width_, q);
    if (rotation_) {
      const uint32_t position = std::min(t, call.length - 1);
      for (uint32_t h = 0; h < spec_.heads + spec_.kv_heads; ++h) {
        rotation_->rotate(position, call.length, q + size_t{h} * spec_.head_width);
      }
    }
    if (spec_.qk_norm == QkNorm::per_head_rotated) norm_heads(weights, q);
    kernels::set_scaled(spec_.scale, q, q_width_, q);
    narrow(q, all_width_, narrowed + size_t{t} * all_width_);
  }

  const std::byte* q = buffers.narrow;
  const std::byte* k = q + q_width_ * sizeof(T);
  heads_.run(
      call.rows, call.length, call.mask,
      {.query = q, .key = k, .value = k + kv_width_ * sizeof(T), .sinks = weights.sinks.data()},
      buffers.heads, *call.products);

  narrow(buffers.heads.context, size_t{call.rows} * q_width_, narrowed);
  output_.of(call.rows).run(narrowed, weights.output, call.out, *call.products);
  if (weights.output_bias.size() == 0) return;
  for (uint32_t t = 0; t < call.rows; ++t) {
    kernels::add(weights.output_bias.data(), width_, call.out + size_t{t} * width_);
  }
}

double mixer_flops(const Attention& attention, uint32_t width, uint32_t length) {
  const AttentionSpec& spec = attention.spec;
  const double q = double{1} * spec.heads * spec.head_width;
  const double kv = double{1} * spec.kv_heads * spec.head_width;
  return length * (2.0 * width * (q + 2 * kv) + 2 * q * width + 4.0 * length * q);
}

}  // namespace rg::model
