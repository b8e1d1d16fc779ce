#include "model/blocks/latent_attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "model/blocks/narrow.h"

namespace rg::model {

using kernels::Compute;

struct LatentAttentionProducts::Buffers {
  Buffers(Arena& arena, const LatentAttentionProducts& of) {
    const size_t rows = of.most_rows_, narrow = compute_bytes(of.compute_);
    const size_t latent = std::max(of.spec_.query_latent, of.spec_.latent);
    down = arena.take<float>(rows * of.down_width_);
    q = arena.take<float>(rows * of.q_width_);
    kv = arena.take<float>(rows * of.kv_width_);
    normed = arena.take<std::byte>(rows * latent * narrow);
    query = arena.take<std::byte>(rows * of.q_width_ * narrow);
    key = arena.take<std::byte>(rows * of.q_width_ * narrow);
    value = arena.take<std::byte>(rows * of.kv_width_ * narrow);
    context = arena.take<float>(rows * of.o_width_);
    heads.emplace(arena, of.layout_, of.longest_, of.compute_);
  }
  float* down;             // (rows, query latent or q | latent | rotated | gates)
  float* q;                // (rows, nh (plain + rotated)), with a query latent
  float* kv;               // (rows, nh (plain + value))
  std::byte* normed;       // a latent, compute type
  std::byte *query, *key;  // (rows, nh (plain + rotated)) compute type
  std::byte* value;        // kv, compute type; later the heads' context
  float* context;          // (rows, nh value)
  std::optional<HeadAttention::Buffers> heads;
};

LatentAttentionProducts::LatentAttentionProducts(const LatentAttention& attention,
                                                 const MixerSetting& setting)
    : spec_(attention.spec),
      compute_(setting.compute),
      width_(setting.width),
      longest_(setting.longest()),
      most_rows_(setting.most_rows()),
      key_width_(spec_.plain_width + spec_.rotated_width),
      q_width_(spec_.heads * key_width_),
      kv_width_(spec_.heads * (spec_.plain_width + spec_.value_width)),
      o_width_(spec_.heads * spec_.value_width),
      first_width_(spec_.query_latent != 0 ? spec_.query_latent : q_width_),
      gate_at_(first_width_ + spec_.latent + spec_.rotated_width),
      down_width_(gate_at_ + (spec_.head_gate ? spec_.heads : 0)),
      layout_{.heads = spec_.heads,
              .kv_heads = spec_.heads,
              .query = {key_width_, key_width_, q_width_},
              .key = {key_width_, key_width_, q_width_},
              .value = {spec_.value_width, spec_.plain_width + spec_.value_width, kv_width_},
              .window = std::nullopt,
              .sinks = false},
      down_(setting.width, down_width_, setting),
      kv_(spec_.latent, kv_width_, setting),
      output_(o_width_, setting.width, setting),
      heads_(layout_, setting.compute, setting.rows()) {
  if (spec_.query_latent != 0) q_.emplace(spec_.query_latent, q_width_, setting);
  if (spec_.rope) rotation_.emplace(*spec_.rope, longest_);
}

size_t LatentAttentionProducts::packed_bytes() const {
  return down_.packed_bytes() + (q_ ? q_->packed_bytes() : 0) + kv_.packed_bytes() +
         output_.packed_bytes();
}

size_t LatentAttentionProducts::staging_bytes() const {
  return std::max(
      {down_.raw_bytes(), q_ ? q_->raw_bytes() : 0, kv_.raw_bytes(), output_.raw_bytes()});
}

size_t LatentAttentionProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

size_t LatentAttentionProducts::product_scratch_bytes() const {
  return std::max({down_.product_scratch_bytes(), q_ ? q_->product_scratch_bytes() : 0,
                   kv_.product_scratch_bytes(), output_.product_scratch_bytes(),
                   heads_.product_scratch_bytes()});
}

LatentAttentionProducts::Packed LatentAttentionProducts::pack(const LatentAttention& attention,
                                                              WeightSource& source,
                                                              std::byte* memory,
                                                              std::byte* staging) const {
  Packed packed;
  source.read(q_ ? attention.q_down : attention.q, compute_, staging, nullptr);
  const size_t row = size_t{width_} * compute_bytes(compute_);
  source.read(attention.kv_down, compute_, staging + first_width_ * row, nullptr);
  if (spec_.head_gate) {
    source.read(attention.gate, compute_, staging + gate_at_ * row, nullptr);
  }
  packed.down = down_.pack(staging, memory);
  memory += down_.packed_bytes();
  if (attention.q_down_bias || attention.kv_down_bias) {
    packed.down_bias = Buffer<float>(down_width_);
    std::fill_n(packed.down_bias.data(), down_width_, 0.0f);
    const auto read = [&](const Weight& bias, float* to) {
      if (bias) source.read(bias, Compute::f32, reinterpret_cast<std::byte*>(to), nullptr);
    };
    read(attention.q_down_bias, packed.down_bias.data());
    read(attention.kv_down_bias, packed.down_bias.data() + first_width_);
  }
  const NormSpec norm = {NormKind::rms, spec_.latent_norm_epsilon};
  if (q_) packed.q_norm = NormWeights({norm, attention.q_norm}, source);
  packed.kv_norm = NormWeights({norm, attention.kv_norm}, source);
  if (q_) {
    source.read(attention.q, compute_, staging, nullptr);
    packed.q = q_->pack(staging, memory);
    memory += q_->packed_bytes();
  }
  source.read(attention.kv, compute_, staging, nullptr);
  packed.kv = kv_.pack(staging, memory);
  memory += kv_.packed_bytes();
  source.read(attention.o, compute_, staging, nullptr);
  packed.output = output_.pack(staging, memory);
  packed.output_bias = read_values(source, attention.o_bias);
  return packed;
}

void LatentAttentionProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  compute_ == Compute::bf16 ? run_as<bf16_t>(weights, call) : run_as<float>(weights, call);
}

// Copies of one row between its steps, for a call that asks for them.
struct LatentAttentionProducts::Keeper {
  const LatentAttentionProducts& of;
  const KeyRows* keys;  // null: no copies
  size_t at;            // row of `keys`

  // Row t of the call.
  Keeper(const LatentAttentionProducts& of_, const MixerCall& call, uint32_t t)
      : of(of_), keys(call.key_row(t) ? call.keys : nullptr), at(call.key_row(t).value_or(0)) {}

  void keep_latent(const float* latent) const noexcept {
    if (keys == nullptr) return;
    std::copy_n(latent, of.spec_.latent, keys->latent + at * of.spec_.latent);
  }
  void keep_shared(const float* shared, float* KeyRows::*step) const noexcept {
    if (keys == nullptr) return;
    std::copy_n(shared, of.spec_.rotated_width, keys->*step + at * of.spec_.rotated_width);
  }
  void keep_query(const float* query, float* KeyRows::Steps::*step) const noexcept {
    if (keys == nullptr) return;
    std::copy_n(query, of.q_width_, keys->queries.*step + at * of.q_width_);
  }
  void keep_heads(const float* shared, const float* kv) const noexcept {
    if (keys == nullptr) return;
    const uint32_t plain = of.spec_.plain_width, rotated = of.spec_.rotated_width;
    const uint32_t width = of.spec_.value_width;
    for (uint32_t h = 0; h < of.spec_.heads; ++h) {
      const float* head = kv + size_t{h} * (plain + width);
      float* key = keys->keys.scored + at * of.q_width_ + size_t{h} * of.key_width_;
      std::copy_n(head, plain, key);
      std::copy_n(shared, rotated, key + plain);
      std::copy_n(head + plain, width, keys->values + at * of.o_width_ + size_t{h} * width);
    }
  }
};

// The latents of keys and values and the part of the keys that all heads share, as an engine caches
// them.
void LatentAttentionProducts::prepare_latent(const Packed& weights, const Buffers& buffers,
                                             const MixerCall& call) const noexcept {
  for (uint32_t t = 0; t < call.rows(); ++t) {
    const Keeper keeper(*this, call, t);
    float* latent = buffers.down + size_t{t} * down_width_ + first_width_;
    float* shared = latent + spec_.latent;
    weights.kv_norm.apply(latent, latent);
    keeper.keep_latent(latent);
    keeper.keep_shared(shared, &KeyRows::shared);
    if (!rotation_) continue;
    rotation_->rotate(std::min(t % call.shape.rows, call.length - 1), call.length, shared);
    keeper.keep_shared(shared, &KeyRows::shared_rotated);
  }
  if (call.changes_at(KeyStep::latent)) change_latent(buffers, call);
}

// Hands over what is cached, sequence by sequence.
void LatentAttentionProducts::change_latent(const Buffers& buffers,
                                            const MixerCall& call) const noexcept {
  for (uint32_t s = 0; s < call.sequences; ++s) {
    float* latent = buffers.down + size_t{s} * call.shape.rows * down_width_ + first_width_;
    ChangedHead cached = call.changes->head(s, call.length, 0);
    cached.latent = {latent, down_width_, spec_.latent};
    cached.shared = {latent + spec_.latent, down_width_, spec_.rotated_width};
    call.changes->change->change(cached);
  }
}

// Hands over the keys and values of every head, sequence by sequence, and narrows them again.
template <typename T>
void LatentAttentionProducts::change_keys(const Buffers& buffers,
                                          const MixerCall& call) const noexcept {
  const uint32_t plain = spec_.plain_width, rotated = spec_.rotated_width;
  auto* narrow_keys = reinterpret_cast<T*>(buffers.key);
  auto* narrow_values = reinterpret_cast<T*>(buffers.value);
  for (uint32_t s = 0; s < call.sequences; ++s) {
    const size_t first = size_t{s} * call.shape.rows;
    for (uint32_t h = 0; h < spec_.heads; ++h) {
      const size_t key_at = first * q_width_ + size_t{h} * key_width_;
      const size_t kv_at = first * kv_width_ + size_t{h} * (plain + spec_.value_width);
      ChangedHead head = call.changes->head(s, call.length, h);
      head.keys = {call.changes->scratch, key_width_, key_width_};
      head.values = {buffers.kv + kv_at + plain, kv_width_, spec_.value_width};
      for (uint32_t t = 0; t < call.length; ++t) {
        float* key = head.keys.at(t).data();
        std::copy_n(buffers.kv + kv_at + size_t{t} * kv_width_, plain, key);
        std::copy_n(buffers.down + (first + t) * down_width_ + first_width_ + spec_.latent, rotated,
                    key + plain);
      }
      call.changes->change->change(head);
      for (uint32_t t = 0; t < call.length; ++t) {
        narrow(head.keys.at(t).data(), key_width_, narrow_keys + key_at + size_t{t} * q_width_);
        narrow(head.values.at(t).data(), spec_.value_width,
               narrow_values + kv_at + plain + size_t{t} * kv_width_);
      }
    }
  }
}

// Rotation and scale of one row's queries, and what the products read of it.
template <typename T>
void LatentAttentionProducts::prepare_row(const Buffers& buffers, const MixerCall& call,
                                          uint32_t t) const noexcept {
  const uint32_t plain = spec_.plain_width, rotated = spec_.rotated_width;
  const uint32_t position = std::min(t % call.shape.rows, call.length - 1);
  float* down = buffers.down + size_t{t} * down_width_;
  float* q = q_ ? buffers.q + size_t{t} * q_width_ : down;
  const float* shared = down + first_width_ + spec_.latent;  // the rotated key of all heads
  const float* kv = buffers.kv + size_t{t} * kv_width_;
  auto* key = reinterpret_cast<T*>(buffers.key) + size_t{t} * q_width_;
  const Keeper keeper(*this, call, t);
  keeper.keep_query(q, &KeyRows::Steps::projected);
  if (rotation_) {
    for (uint32_t h = 0; h < spec_.heads; ++h) {
      rotation_->rotate(position, call.length, q + h * key_width_ + plain);
    }
    keeper.keep_query(q, &KeyRows::Steps::rotated);
  }
  keeper.keep_heads(shared, kv);
  for (uint32_t h = 0; h < spec_.heads; ++h) {
    narrow(kv + h * (plain + spec_.value_width), plain, key + h * key_width_);
    narrow(shared, rotated, key + h * key_width_ + plain);
  }
  kernels::set_scaled(spec_.scale, q, q_width_, q);
  narrow(q, q_width_, reinterpret_cast<T*>(buffers.query) + size_t{t} * q_width_);
  narrow(kv, kv_width_, reinterpret_cast<T*>(buffers.value) + size_t{t} * kv_width_);
}

template <typename T>
void LatentAttentionProducts::run_as(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  const uint32_t rows = call.rows(), plain = spec_.plain_width;
  down_.run(call, call.in, weights.down, buffers.down);
  if (weights.down_bias.size() != 0) {
    for (uint32_t t = 0; t < rows; ++t) {
      kernels::add(weights.down_bias.data(), down_width_, buffers.down + size_t{t} * down_width_);
    }
  }

  // Columns from `first` on of the down projections, after their norm, times a matrix.
  auto* normed = reinterpret_cast<T*>(buffers.normed);
  const auto expand = [&](uint32_t first, uint32_t width, const JoinedProducts& product,
                          const kernels::PackedWeights& matrix, float* out) {
    for (uint32_t t = 0; t < rows; ++t) {
      narrow(buffers.down + size_t{t} * down_width_ + first, width, normed + size_t{t} * width);
    }
    product.run(call, normed, matrix, out);
  };
  if (q_) {
    for (uint32_t t = 0; t < rows; ++t) {
      float* latent = buffers.down + size_t{t} * down_width_;
      weights.q_norm.apply(latent, latent);
    }
    expand(0, spec_.query_latent, *q_, weights.q, buffers.q);
  }
  prepare_latent(weights, buffers, call);
  expand(first_width_, spec_.latent, kv_, weights.kv, buffers.kv);

  auto* query = reinterpret_cast<T*>(buffers.query);
  auto* key = reinterpret_cast<T*>(buffers.key);
  auto* value = reinterpret_cast<T*>(buffers.value);
  for (uint32_t t = 0; t < rows; ++t) prepare_row<T>(buffers, call, t);
  if (call.changes_at(KeyStep::scored)) change_keys<T>(buffers, call);
  for (size_t first = 0; first < rows; first += call.shape.rows) {
    heads_.run(call.shape.rows, call.length, call.mask,
               {.query = reinterpret_cast<const std::byte*>(query + first * q_width_),
                .key = reinterpret_cast<const std::byte*>(key + first * q_width_),
                .value = reinterpret_cast<const std::byte*>(value + first * kv_width_ + plain),
                .sinks = nullptr},
               *buffers.heads, *call.products, buffers.context + first * o_width_);
  }

  if (spec_.head_gate) scale_heads(buffers, rows);
  narrow(buffers.context, size_t{rows} * o_width_, value);
  output_.run(call, value, weights.output, call.out);
  if (weights.output_bias.size() == 0) return;
  for (uint32_t t = 0; t < rows; ++t) {
    kernels::add(weights.output_bias.data(), width_, call.out + size_t{t} * width_);
  }
}

// context of head h *= sigmoid(its gate).
void LatentAttentionProducts::scale_heads(const Buffers& buffers, uint32_t rows) const noexcept {
  const uint32_t width = spec_.value_width;
  for (uint32_t t = 0; t < rows; ++t) {
    float* gates = buffers.down + size_t{t} * down_width_ + gate_at_;
    float* context = buffers.context + size_t{t} * o_width_;
    kernels::sigmoid(gates, spec_.heads, gates);
    for (uint32_t h = 0; h < spec_.heads; ++h) {
      kernels::set_scaled(gates[h], context + h * width, width, context + h * width);
    }
  }
}

double mixer_flops(const LatentAttention& attention, uint32_t width, uint32_t length) {
  const LatentAttentionSpec& spec = attention.spec;
  const double key = double{1} * spec.heads * (spec.plain_width + spec.rotated_width);
  const double kv = double{1} * spec.heads * (spec.plain_width + spec.value_width);
  const double value = double{1} * spec.heads * spec.value_width;
  const double q = spec.query_latent == 0 ? width * key : spec.query_latent * (width + key);
  const uint32_t gates = spec.head_gate ? spec.heads : 0;
  return length * (2 * q + 2.0 * width * (spec.latent + spec.rotated_width + gates) +
                   2 * spec.latent * kv + 2.0 * length * (key + value) + 2 * value * width);
}

}  // namespace rg::model
