#include "model/blocks/attention.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {
namespace {

using kernels::Compute;

uint32_t longest_of(std::span<const uint32_t> rows) {
  return *std::max_element(rows.begin(), rows.end());
}

HeadLayout layout_of(const AttentionSpec& spec) {
  const uint32_t all = (spec.heads + 2 * spec.kv_heads) * spec.head_width;
  return {.heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .key_width = spec.head_width,
          .value_width = spec.head_width,
          .query_stride = all,
          .key_stride = all,
          .value_stride = all};
}

}  // namespace

struct AttentionProducts::Buffers {
  Buffers(Arena& arena, const AttentionProducts& of)
      : qkv(arena.take<float>(size_t{of.longest_} * of.all_width_)),
        narrow(arena.take<std::byte>(size_t{of.longest_} * of.all_width_ *
                                     compute_bytes(of.compute_))),
        heads(arena, layout_of(of.spec_), of.longest_, of.compute_) {}
  float* qkv;         // (rows, q + 2 kv)
  std::byte* narrow;  // the same, compute type; later the heads' context
  HeadAttention::Buffers heads;
};

AttentionProducts::AttentionProducts(const AttentionSpec& spec, const MixerSetting& setting)
    : spec_(spec),
      compute_(setting.compute),
      longest_(longest_of(setting.rows)),
      q_width_(spec.heads * spec.head_width),
      kv_width_(spec.kv_heads * spec.head_width),
      all_width_(q_width_ + 2 * kv_width_),
      qkv_(setting.width, all_width_, setting.compute, setting.rows),
      output_(q_width_, setting.width, setting.compute, setting.rows),
      heads_(layout_of(spec), setting.compute, setting.rows) {
  if (spec.rope) rope_.emplace(spec.rope->base, spec.rope->dims, longest_);
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
  if (spec_.qk_norm != QkNorm::none) {
    const NormSpec norm = {NormKind::rms, spec_.qk_norm_epsilon};
    packed.q_norm = NormWeights({norm, attention.q_norm}, source);
    packed.k_norm = NormWeights({norm, attention.k_norm}, source);
  }
  source.read(attention.o, compute_, staging, nullptr);
  packed.output = output_.pack(staging, memory + qkv_.packed_bytes());
  return packed;
}

void AttentionProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  compute_ == Compute::bf16 ? run_as<bf16_t>(weights, call) : run_as<float>(weights, call);
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
    if (spec_.qk_norm == QkNorm::full_width) {
      weights.q_norm.apply(q, q);
      weights.k_norm.apply(k, k);
    }
    if (spec_.clip_qkv) kernels::clamp(*spec_.clip_qkv, all_width_, q);
    if (rope_) {
      const uint32_t position = std::min(t, call.length - 1);
      for (uint32_t h = 0; h < spec_.heads + spec_.kv_heads; ++h) {
        kernels::rotate_half_split(rope_->cos(position), rope_->sin(position), spec_.rope->dims,
                                   q + size_t{h} * spec_.head_width);
      }
    }
    kernels::set_scaled(spec_.scale, q, q_width_, q);
    narrow(q, all_width_, narrowed + size_t{t} * all_width_);
  }

  const std::byte* q = buffers.narrow;
  const std::byte* k = q + q_width_ * sizeof(T);
  const std::byte* v = k + kv_width_ * sizeof(T);
  heads_.run(call.rows, call.length, call.mask, q, k, v, buffers.heads, *call.products);

  narrow(buffers.heads.context, size_t{call.rows} * q_width_, narrowed);
  output_.of(call.rows).run(narrowed, weights.output, call.out, *call.products);
}

double mixer_flops(const Attention& attention, uint32_t width, uint32_t length) {
  const AttentionSpec& spec = attention.spec;
  const double q = double{1} * spec.heads * spec.head_width;
  const double kv = double{1} * spec.kv_heads * spec.head_width;
  return length * (2.0 * width * (q + 2 * kv) + 2 * q * width + 4.0 * length * q);
}

}  // namespace rg::model
