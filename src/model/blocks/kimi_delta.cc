#include "model/blocks/kimi_delta.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise.h"
#include "kernels/recurrence.h"
#include "model/blocks/arena.h"
#include "model/blocks/convolution.h"
#include "model/blocks/narrow.h"

namespace rg::model {

using kernels::Compute;

struct KimiDeltaProducts::Buffers {
  Buffers(Arena& arena, const KimiDeltaProducts& of) {
    const size_t all_rows = of.most_rows_, rows = of.longest_, hd = of.spec_.head_width;
    projected = arena.take<float>(all_rows * of.all_);
    decay = arena.take<float>(of.decay_ ? all_rows * of.inner_ : 0);
    gate = arena.take<float>(of.gate_ ? all_rows * of.inner_ : 0);
    mixed = arena.take<float>(3 * size_t{of.inner_});
    sigmoids = arena.take<float>(3 * size_t{of.inner_});
    for (float** part : {&query, &key, &factor}) *part = arena.take<float>(rows * hd);
    beta = arena.take<float>(rows);
    state = arena.take<float>(kernels::recurrence_scratch(rows, hd));
    const size_t latent = std::max(of.spec_.decay_latent, of.spec_.gate_latent);
    narrow = arena.take<std::byte>(all_rows * std::max<size_t>(of.inner_, latent) *
                                   compute_bytes(of.compute_));
  }
  float* projected;             // (rows of the call, q k v b decay gate)
  float *decay, *gate;          // (rows of the call, nh hd), through a latent
  float *mixed, *sigmoids;      // (3 nh hd)
  float *query, *key, *factor;  // (rows, hd), of a head; factor: the decay
  float* beta;                  // (rows)
  float* state;                 // of the recurrence
  std::byte* narrow;            // a product's input
};

KimiDeltaProducts::KimiDeltaProducts(const KimiDelta& data, const MixerSetting& setting)
    : spec_(data.spec),
      compute_(setting.compute),
      longest_(setting.longest()),
      most_rows_(setting.most_rows()),
      inner_(spec_.heads * spec_.head_width),
      decay_at_(3 * inner_ + spec_.heads),
      gate_at_(decay_at_ + (spec_.decay_latent != 0 ? spec_.decay_latent : inner_)),
      all_(gate_at_ + (spec_.gate_latent != 0 ? spec_.gate_latent : inner_)),
      in_(setting.width, all_, setting),
      out_(inner_, setting.width, setting) {
  if (spec_.decay_latent != 0) decay_.emplace(spec_.decay_latent, inner_, setting);
  if (spec_.gate_latent != 0) gate_.emplace(spec_.gate_latent, inner_, setting);
}

size_t KimiDeltaProducts::packed_bytes() const {
  return in_.packed_bytes() + (decay_ ? decay_->packed_bytes() : 0) +
         (gate_ ? gate_->packed_bytes() : 0) + out_.packed_bytes();
}

size_t KimiDeltaProducts::staging_bytes() const {
  return std::max({in_.raw_bytes(), decay_ ? decay_->raw_bytes() : 0,
                   gate_ ? gate_->raw_bytes() : 0, out_.raw_bytes()});
}

size_t KimiDeltaProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

size_t KimiDeltaProducts::product_scratch_bytes() const {
  return std::max({in_.product_scratch_bytes(), decay_ ? decay_->product_scratch_bytes() : 0,
                   gate_ ? gate_->product_scratch_bytes() : 0, out_.product_scratch_bytes()});
}

KimiDeltaProducts::Packed KimiDeltaProducts::pack(const KimiDelta& data, WeightSource& source,
                                                  std::byte* memory, std::byte* staging) const {
  Packed packed;
  std::byte* at = staging;
  for (const Weight* part :
       {&data.q, &data.k, &data.v, &data.b, decay_ ? &data.decay_down : &data.decay,
        gate_ ? &data.gate_down : &data.gate}) {
    source.read(*part, compute_, at, nullptr);
    at += part->elements() * compute_bytes(compute_);
  }
  const auto pack_next = [&](const JoinedProducts& products) {
    kernels::PackedWeights weights = products.pack(staging, memory);
    memory += products.packed_bytes();
    return weights;
  };
  packed.in = pack_next(in_);
  if (decay_) {
    source.read(data.decay, compute_, staging, nullptr);
    packed.decay = pack_next(*decay_);
  }
  if (gate_) {
    source.read(data.gate, compute_, staging, nullptr);
    packed.gate = pack_next(*gate_);
  }
  Buffer<float> taps(3 * size_t{inner_} * spec_.kernel);
  auto* tap = reinterpret_cast<std::byte*>(taps.data());
  for (const Weight* part : {&data.q_convolution, &data.k_convolution, &data.v_convolution}) {
    if (!*part) continue;
    source.read(*part, Compute::f32, tap, nullptr);
    tap += part->elements() * sizeof(float);
  }
  packed.taps = transposed_taps(taps, spec_.kernel);
  packed.decay_rate = read_values(source, data.decay_log);
  kernels::exponential(packed.decay_rate.data(), packed.decay_rate.size(),
                       packed.decay_rate.data());
  packed.decay_bias = read_values(source, data.decay_bias);
  packed.norm = NormWeights({{NormKind::rms, spec_.norm_epsilon}, data.norm}, source);
  source.read(data.out, compute_, staging, nullptr);
  packed.out = pack_next(out_);
  return packed;
}

void KimiDeltaProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  compute_ == Compute::bf16 ? run_as<bf16_t>(weights, call) : run_as<float>(weights, call);
}

// The decays of a head: ln decay = -rate softplus(f + bias), or bound sigmoid(rate (f + bias)).
void KimiDeltaProducts::decays(const Packed& weights, uint32_t head, uint32_t rows,
                               const float* projected, size_t stride,
                               float* factor) const noexcept {
  const size_t hd = spec_.head_width, all = rows * hd;
  for (size_t t = 0; t < rows; ++t) {
    std::memcpy(factor + t * hd, projected + t * stride + head * hd, hd * sizeof(float));
    kernels::add(weights.decay_bias.data() + head * hd, hd, factor + t * hd);
  }
  const float rate = weights.decay_rate[head];
  if (spec_.decay_bound) {
    kernels::set_scaled(rate, factor, all, factor);
    kernels::sigmoid(factor, all, factor);
    kernels::set_scaled(*spec_.decay_bound, factor, all, factor);
  } else {
    kernels::softplus(factor, all, factor);
    kernels::set_scaled(-rate, factor, all, factor);
  }
  kernels::exponential(factor, all, factor);
}

// The recurrence of a head, its output in place of its values, normed.
void KimiDeltaProducts::attend(const Packed& weights, uint32_t head, uint32_t rows,
                               const Buffers& buffers) const noexcept {
  const size_t hd = spec_.head_width;
  constexpr double kEpsilon = 1e-6;  // of the norms of query and key
  const auto unit = [&](const float* from, double scale, float* to) {
    const double length = std::sqrt(kernels::squared_norm(from, hd) + kEpsilon);
    kernels::set_scaled(static_cast<float>(scale / length), from, hd, to);
  };
  for (size_t t = 0; t < rows; ++t) {
    const float* row = buffers.projected + t * all_;
    unit(row + head * hd, 1 / std::sqrt(static_cast<double>(hd)), buffers.query + t * hd);
    unit(row + inner_ + head * hd, 1, buffers.key + t * hd);
    buffers.beta[t] = row[3 * size_t{inner_} + head];
  }
  kernels::sigmoid(buffers.beta, rows, buffers.beta);
  float* values = buffers.projected + 2 * size_t{inner_} + head * hd;
  kernels::run_recurrence({.tokens = rows,
                           .keys = hd,
                           .values = hd,
                           .query = buffers.query,
                           .key = buffers.key,
                           .key_stride = hd,
                           .decay = buffers.factor,
                           .decay_per_key = true,
                           .beta = buffers.beta,
                           .value = values,
                           .out = values,
                           .value_stride = all_},
                          buffers.state);
  for (size_t t = 0; t < rows; ++t) weights.norm.apply(values + t * all_, values + t * all_);
}

// From the projections of one sequence to its values.
void KimiDeltaProducts::mix(const Packed& weights, uint32_t rows,
                            const Buffers& buffers) const noexcept {
  // From the last row to the first, in place: the convolution looks at earlier rows.
  const size_t channels = 3 * size_t{inner_};
  for (size_t t = rows; t-- > 0;) {
    convolve_row(buffers.projected, all_, t, weights.taps.data(), spec_.kernel, channels,
                 buffers.mixed);
    kernels::sigmoid(buffers.mixed, channels, buffers.sigmoids);
    kernels::multiply(buffers.sigmoids, buffers.mixed, channels, buffers.projected + t * all_);
  }
  for (uint32_t head = 0; head < spec_.heads; ++head) {
    decays(weights, head, rows, decay_ ? buffers.decay : buffers.projected + decay_at_,
           decay_ ? inner_ : all_, buffers.factor);
    attend(weights, head, rows, buffers);
  }
}

template <typename T>
void KimiDeltaProducts::run_as(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  in_.run(call, call.in, weights.in, buffers.projected);
  auto* narrowed = reinterpret_cast<T*>(buffers.narrow);
  const auto expand = [&](const JoinedProducts& products, uint32_t first, uint32_t latent,
                          const kernels::PackedWeights& matrix, float* out) {
    for (size_t t = 0; t < call.rows(); ++t) {
      narrow(buffers.projected + t * all_ + first, latent, narrowed + t * latent);
    }
    products.run(call, narrowed, matrix, out);
  };
  if (decay_) expand(*decay_, decay_at_, spec_.decay_latent, weights.decay, buffers.decay);
  if (gate_) expand(*gate_, gate_at_, spec_.gate_latent, weights.gate, buffers.gate);
  for (size_t first = 0; first < call.rows(); first += call.shape.rows) {
    Buffers of_sequence = buffers;
    of_sequence.projected += first * all_;
    if (decay_) of_sequence.decay += first * inner_;
    mix(weights, call.shape.rows, of_sequence);
  }
  for (size_t t = 0; t < call.rows(); ++t) {
    float* out = buffers.projected + t * all_ + 2 * size_t{inner_};
    const float* gate = gate_ ? buffers.gate + t * inner_ : buffers.projected + t * all_ + gate_at_;
    kernels::sigmoid(gate, inner_, buffers.sigmoids);
    kernels::multiply(buffers.sigmoids, out, inner_, out);
    narrow(out, inner_, narrowed + t * inner_);
  }
  out_.run(call, narrowed, weights.out, call.out);
}

double mixer_flops(const KimiDelta& data, uint32_t width, uint32_t length) {
  const KimiDeltaSpec& spec = data.spec;
  const double inner = double{1} * spec.heads * spec.head_width;
  const auto through = [&](uint32_t latent) {
    return latent == 0 ? width * inner : latent * (width + inner);
  };
  return length *
         (2 * (4.0 * width * inner + through(spec.decay_latent) + through(spec.gate_latent)) +
          6.0 * spec.kernel * inner + 7.0 * spec.head_width * inner);
}

}  // namespace rg::model
