#include "model/blocks/attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {
namespace {

using kernels::Compute;

// Columns of the projected rows: queries (with their gates between them, if they have some), keys,
// values, gates of their own.
HeadLayout layout_of(const Attention& attention) {
  const AttentionSpec& spec = attention.spec;
  const uint32_t hd = spec.head_width, vd = spec.value_width;
  const uint32_t step = spec.output_gate == OutputGate::with_query ? 2 * hd : hd;
  const uint32_t gates = spec.output_gate == OutputGate::projected ? spec.heads * vd : 0;
  const uint32_t all = spec.heads * step + spec.kv_heads * (hd + vd) + gates;
  return {.heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .query = {hd, step, all},
          .key = {hd, hd, all},
          .value = {vd, vd, all},
          .window = spec.window,
          .sinks = static_cast<bool>(attention.sinks)};
}

}  // namespace

struct AttentionProducts::Buffers {
  Buffers(Arena& arena, const AttentionProducts& of)
      : qkv(arena.take<float>(size_t{of.most_rows_} * of.all_width_)),
        narrow(arena.take<std::byte>(size_t{of.most_rows_} * of.all_width_ *
                                     compute_bytes(of.compute_))),
        context(arena.take<float>(size_t{of.most_rows_} * of.context_width_)),
        heads(arena, of.layout_, of.longest_, of.compute_) {}
  float* qkv;         // (rows, q + 2 kv)
  std::byte* narrow;  // the same, compute type; later the heads' context
  float* context;     // (rows, nh value_width)
  HeadAttention::Buffers heads;
};

AttentionProducts::AttentionProducts(const Attention& attention, const MixerSetting& setting)
    : spec_(attention.spec),
      compute_(setting.compute),
      width_(setting.width),
      longest_(setting.longest()),
      most_rows_(setting.most_rows()),
      layout_(layout_of(attention)),
      q_width_(spec_.heads * layout_.query.head_stride),
      k_width_(spec_.kv_heads * spec_.head_width),
      v_width_(spec_.kv_heads * spec_.value_width),
      context_width_(spec_.heads * spec_.value_width),
      all_width_(layout_.query.row_stride),
      qkv_(setting.width, all_width_, setting),
      output_(context_width_, setting.width, setting),
      heads_(layout_, setting.compute, setting.rows()) {
  if (spec_.rope) rotation_.emplace(*spec_.rope, longest_);
  if (spec_.value_norm_epsilon) ones_.assign(spec_.value_width, 1.0f);
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
  for (const Weight* part : {&attention.q, &attention.k, &attention.v, &attention.gate}) {
    const size_t bytes = part->elements() * compute_bytes(compute_);
    if (*part) source.read(*part, compute_, at, nullptr);
    at += bytes;
    if (part == &attention.k && !attention.v) {
      std::memcpy(at, at - bytes, bytes);  // the values are the projected keys
      at += bytes;
    }
  }
  packed.qkv = qkv_.pack(staging, memory);
  if (attention.q_bias) {
    packed.qkv_bias = Buffer<float>(all_width_);
    std::fill_n(packed.qkv_bias.data(), all_width_, 0.0f);
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

// f(query head) and f(key head) of one row.
template <typename Query, typename Key>
void AttentionProducts::each_head(float* row, Query&& query, Key&& key) const noexcept {
  for (uint32_t h = 0; h < spec_.heads; ++h) query(row + size_t{h} * layout_.query.head_stride);
  for (uint32_t h = 0; h < spec_.kv_heads; ++h) key(row + q_width_ + size_t{h} * spec_.head_width);
}

// Copies of one row between its steps, for a call that asks for them.
struct AttentionProducts::Keeper {
  const AttentionProducts& of;
  const KeyRows* keys;  // null: no copies
  size_t at;            // row of `keys`
  const float* row;

  // Row t of the call.
  Keeper(const AttentionProducts& of_, const MixerCall& call, uint32_t t, const float* row_)
      : of(of_),
        keys(call.key_row(t) ? call.keys : nullptr),
        at(call.key_row(t).value_or(0)),
        row(row_) {}

  // What `step` is now, unless it is the same as after the step `before`.
  void keep(float* KeyRows::Steps::*step, float* KeyRows::Steps::*before) const noexcept {
    if (keys == nullptr || keys->keys.*step == keys->keys.*before) return;
    copy(step);
  }
  void keep_first() const noexcept {
    if (keys != nullptr) copy(&KeyRows::Steps::projected);
  }
  void keep_values() const noexcept {
    if (keys == nullptr) return;
    std::copy_n(row + of.q_width_ + of.k_width_, of.v_width_, keys->values + at * of.v_width_);
  }

 private:
  void copy(float* KeyRows::Steps::*step) const noexcept {
    const uint32_t width = of.spec_.head_width;
    float* query = keys->queries.*step + at * of.spec_.heads * width;
    for (uint32_t h = 0; h < of.spec_.heads; ++h, query += width) {
      std::copy_n(row + size_t{h} * of.layout_.query.head_stride, width, query);
    }
    std::copy_n(row + of.q_width_, of.k_width_, keys->keys.*step + at * of.k_width_);
  }
};

// Bias, norm in front of the rotation and clip of one row's queries and keys; its values.
void AttentionProducts::norm_row(const Packed& weights, const MixerCall& call, uint32_t t,
                                 float* row) const noexcept {
  using Steps = KeyRows::Steps;
  const Keeper keeper(*this, call, t, row);
  if (weights.qkv_bias.size() != 0) kernels::add(weights.qkv_bias.data(), all_width_, row);
  keeper.keep_first();
  if (spec_.qk_norm == QkNorm::full_width) {
    weights.q_norm.apply(row, row);
    weights.k_norm.apply(row + q_width_, row + q_width_);
  } else if (spec_.qk_norm == QkNorm::per_head) {
    norm_heads(weights, row);
  }
  prepare_values(row + q_width_ + k_width_);
  if (spec_.clip_qkv) kernels::clamp(*spec_.clip_qkv, all_width_, row);
  keeper.keep(&Steps::normed, &Steps::projected);
  keeper.keep_values();
}

// Rotation, norm behind it and scale of one row's queries and keys.
void AttentionProducts::rotate_row(const Packed& weights, const MixerCall& call, uint32_t t,
                                   float* row) const noexcept {
  using Steps = KeyRows::Steps;
  const Keeper keeper(*this, call, t, row);
  if (rotation_) {
    const uint32_t position = std::min(t % call.shape.rows, call.length - 1);
    const auto rotate = [&](float* head) { rotation_->rotate(position, call.length, head); };
    each_head(row, rotate, rotate);
  }
  keeper.keep(&Steps::rotated, &Steps::normed);
  if (spec_.qk_norm == QkNorm::per_head_rotated) norm_heads(weights, row);
  keeper.keep(&Steps::scored, &Steps::rotated);
  each_head(
      row, [&](float* head) { kernels::set_scaled(spec_.scale, head, spec_.head_width, head); },
      [](float*) {});
}

// Norm of each head's queries and keys.
void AttentionProducts::norm_heads(const Packed& weights, float* row) const noexcept {
  each_head(
      row, [&](float* head) { weights.q_norm.apply(head, head); },
      [&](float* head) { weights.k_norm.apply(head, head); });
}

// Hands over the keys and values of every head, sequence by sequence.
void AttentionProducts::change_keys(const MixerCall& call, float* qkv) const noexcept {
  for (uint32_t s = 0; s < call.sequences; ++s) {
    float* keys = qkv + size_t{s} * call.shape.rows * all_width_ + q_width_;
    for (uint32_t h = 0; h < spec_.kv_heads; ++h) {
      ChangedHead head = call.changes->head(s, call.length, h);
      head.keys = {keys + size_t{h} * spec_.head_width, all_width_, spec_.head_width};
      head.values = {keys + k_width_ + size_t{h} * spec_.value_width, all_width_,
                     spec_.value_width};
      call.changes->change->change(head);
    }
  }
}

// Norm and scale of one row's values.
void AttentionProducts::prepare_values(float* values) const noexcept {
  if (spec_.value_norm_epsilon) {
    for (uint32_t h = 0; h < spec_.kv_heads; ++h) {
      float* head = values + size_t{h} * spec_.value_width;
      kernels::rms_norm(head, ones_.data(), spec_.value_width, *spec_.value_norm_epsilon, head);
    }
  }
  if (spec_.value_scale != 1) kernels::set_scaled(spec_.value_scale, values, v_width_, values);
}

// The context's heads times sigmoid of their gates.
void AttentionProducts::gate_context(uint32_t rows, float* projected,
                                     float* context) const noexcept {
  const uint32_t vd = spec_.value_width;
  const bool with_query = spec_.output_gate == OutputGate::with_query;
  for (uint32_t t = 0; t < rows; ++t) {
    for (uint32_t h = 0; h < spec_.heads; ++h) {
      float* gate = projected + size_t{t} * all_width_ +
                    (with_query ? size_t{h} * layout_.query.head_stride + spec_.head_width
                                : all_width_ - context_width_ + size_t{h} * vd);
      float* head = context + size_t{t} * context_width_ + size_t{h} * vd;
      kernels::sigmoid(gate, vd, gate);
      kernels::multiply(gate, head, vd, head);
    }
  }
}

// Projected rows to what the products read.
template <typename T>
void AttentionProducts::prepare(const Packed& weights, const MixerCall& call, float* qkv,
                                T* narrowed) const noexcept {
  const bool before_rotation = call.changes_at(KeyStep::normed);
  if (before_rotation) {
    for (uint32_t t = 0; t < call.rows(); ++t) {
      norm_row(weights, call, t, qkv + size_t{t} * all_width_);
    }
    change_keys(call, qkv);
  }
  for (uint32_t t = 0; t < call.rows(); ++t) {
    float* row = qkv + size_t{t} * all_width_;
    if (!before_rotation) norm_row(weights, call, t, row);
    rotate_row(weights, call, t, row);
    narrow(row, all_width_, narrowed + size_t{t} * all_width_);
  }
  if (!call.changes_at(KeyStep::scored)) return;
  change_keys(call, qkv);
  for (size_t t = 0; t < call.rows(); ++t) {
    const size_t at = t * all_width_ + q_width_;
    narrow(qkv + at, k_width_ + v_width_, narrowed + at);
  }
}

template <typename T>
void AttentionProducts::run_as(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  qkv_.run(call, call.in, weights.qkv, buffers.qkv);
  auto* narrowed = reinterpret_cast<T*>(buffers.narrow);
  prepare(weights, call, buffers.qkv, narrowed);
  for (uint32_t first = 0; first < call.rows(); first += call.shape.rows) {
    const T* q = narrowed + size_t{first} * all_width_;
    const T* k = q + q_width_;
    heads_.run(call.shape.rows, call.length, call.mask,
               {.query = reinterpret_cast<const std::byte*>(q),
                .key = reinterpret_cast<const std::byte*>(k),
                .value = reinterpret_cast<const std::byte*>(k + k_width_),
                .sinks = weights.sinks.data()},
               buffers.heads, *call.products, buffers.context + size_t{first} * context_width_);
  }
  if (spec_.output_gate != OutputGate::none) {
    gate_context(call.rows(), buffers.qkv, buffers.context);
  }
  narrow(buffers.context, size_t{call.rows()} * context_width_, narrowed);
  output_.run(call, narrowed, weights.output, call.out);
  if (weights.output_bias.size() == 0) return;
  for (uint32_t row = 0; row < call.rows(); ++row) {
    kernels::add(weights.output_bias.data(), width_, call.out + size_t{row} * width_);
  }
}

double mixer_flops(const Attention& attention, uint32_t width, uint32_t length) {
  const AttentionSpec& spec = attention.spec;
  const double q = double{1} * spec.heads * spec.head_width;
  const double context = double{1} * spec.heads * spec.value_width;
  const double kv = double{1} * spec.kv_heads * (spec.head_width + spec.value_width);
  const double gates = spec.output_gate == OutputGate::none ? 0 : context;
  return length *
         (2.0 * width * (q + kv + gates) + 2 * context * width + 2.0 * length * (q + context));
}

}  // namespace rg::model
