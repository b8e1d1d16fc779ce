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
  const float *query, *latent, *shared, *kv;

  void keep_unrotated() const noexcept {
    if (keys == nullptr) return;
    std::copy_n(query, of.q_width_, keys->queries.projected + at * of.q_width_);
    std::copy_n(latent, of.spec_.latent, keys->latent + at * of.spec_.latent);
    std::copy_n(shared, of.spec_.rotated_width, keys->shared + at * of.spec_.rotated_width);
  }
  void keep_rotated() const noexcept {
    if (keys == nullptr) return;
    const uint32_t plain = of.spec_.plain_width, rotated = of.spec_.rotated_width;
    const uint32_t width = of.spec_.value_width;
    if (of.rotation_) {
      std::copy_n(query, of.q_width_, keys->queries.rotated + at * of.q_width_);
      std::copy_n(shared, rotated, keys->shared_rotated + at * rotated);
    }
    for (uint32_t h = 0; h < of.spec_.heads; ++h) {
      const float* head = kv + size_t{h} * (plain + width);
      float* key = keys->keys.scored + at * of.q_width_ + size_t{h} * of.key_width_;
      std::copy_n(head, plain, key);
      std::copy_n(shared, rotated, key + plain);
      std::copy_n(head + plain, width, keys->values + at * of.o_width_ + size_t{h} * width);
    }
  }
};

// Rotation and scale of one row's queries and keys, and what the products read of them.
template <typename T>
void LatentAttentionProducts::prepare_row(const Buffers& buffers, const MixerCall& call,
                                          uint32_t t) const noexcept {
  const uint32_t plain = spec_.plain_width, rotated = spec_.rotated_width;
  const uint32_t position = std::min(t % call.shape.rows, call.length - 1);
  float* down = buffers.down + size_t{t} * down_width_;
  float* q = q_ ? buffers.q + size_t{t} * q_width_ : down;
  float* shared = down + first_width_ + spec_.latent;  // the rotated key of all heads
  const float* kv = buffers.kv + size_t{t} * kv_width_;
  auto* key = reinterpret_cast<T*>(buffers.key) + size_t{t} * q_width_;
  const std::optional<size_t> kept = call.key_row(t);
  const Keeper keeper = {
      *this, kept ? call.keys : nullptr, kept.value_or(0), q, down + first_width_, shared, kv};
  keeper.keep_unrotated();
  if (rotation_) {
    rotation_->rotate(position, call.length, shared);
    for (uint32_t h = 0; h < spec_.heads; ++h) {
      rotation_->rotate(position, call.length, q + h * key_width_ + plain);
    }
  }
  keeper.keep_rotated();
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

  // norm(columns from `first` on of the down projections), times a matrix.
  auto* normed = reinterpret_cast<T*>(buffers.normed);
  const auto expand = [&](const NormWeights& norm, uint32_t first, const JoinedProducts& product,
                          const kernels::PackedWeights& matrix, float* out) {
    for (uint32_t t = 0; t < rows; ++t) {
      float* latent = buffers.down + size_t{t} * down_width_ + first;
      norm.apply(latent, latent);
      narrow(latent, norm.width(), normed + size_t{t} * norm.width());
    }
    product.run(call, normed, matrix, out);
  };
  if (q_) expand(weights.q_norm, 0, *q_, weights.q, buffers.q);
  expand(weights.kv_norm, first_width_, kv_, weights.kv, buffers.kv);

  auto* query = reinterpret_cast<T*>(buffers.query);
  auto* key = reinterpret_cast<T*>(buffers.key);
  auto* value = reinterpret_cast<T*>(buffers.value);
  for (uint32_t t = 0; t < rows; ++t) prepare_row<T>(buffers, call, t);
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
