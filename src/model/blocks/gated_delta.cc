#include "model/blocks/gated_delta.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise.h"
#include "model/blocks/arena.h"
#include "model/blocks/convolution.h"
#include "model/blocks/narrow.h"

namespace rg::model {

using kernels::Compute;

struct GatedDeltaProducts::Buffers {
  Buffers(Arena& arena, const GatedDeltaProducts& of) {
    const GatedDeltaSpec& spec = of.spec_;
    projected = arena.take<float>(size_t{of.longest_} * of.all_);
    mixed = arena.take<float>(of.channels_);
    gate = arena.take<float>(std::max(of.all_, of.channels_));
    query = arena.take<float>(spec.key_width);
    key = arena.take<float>(spec.key_width);
    decay = arena.take<float>(spec.key_width);
    delta = arena.take<float>(spec.value_width);
    out = arena.take<float>(of.values_);
    state = arena.take<float>(size_t{spec.value_heads} * spec.key_width * spec.value_width);
    narrow = arena.take<std::byte>(size_t{of.longest_} * of.values_ * compute_bytes(of.compute_));
  }
  float* projected;            // (rows, channels + z + b + a)
  float* mixed;                // (channels): a row after convolution and silu
  float* gate;                 // a row of anything
  float *query, *key, *decay;  // (dk)
  float* delta;                // (dv)
  float* out;                  // (nv dv)
  float* state;                // (nv, dk, dv)
  std::byte* narrow;           // (rows, nv dv) compute type
};

GatedDeltaProducts::GatedDeltaProducts(const GatedDelta& data, const MixerSetting& setting)
    : spec_(data.spec),
      compute_(setting.compute),
      longest_(*std::max_element(setting.rows.begin(), setting.rows.end())),
      keys_(spec_.key_heads * spec_.key_width),
      values_(spec_.value_heads * spec_.value_width),
      channels_(2 * keys_ + values_),
      all_(channels_ + values_ + 2 * spec_.value_heads),
      in_(setting.width, all_, setting.compute, setting.rows),
      out_(values_, setting.width, setting.compute, setting.rows) {}

size_t GatedDeltaProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

GatedDeltaProducts::Packed GatedDeltaProducts::pack(const GatedDelta& data, WeightSource& source,
                                                    std::byte* memory, std::byte* staging) const {
  Packed packed;
  std::byte* at = staging;
  for (const Weight* part : {&data.qkv, &data.z, &data.b, &data.a}) {
    if (!*part) continue;
    source.read(*part, compute_, at, nullptr);
    at += part->elements() * compute_bytes(compute_);
  }
  packed.in = in_.pack(staging, memory);
  packed.taps = transposed_taps(read_values(source, data.convolution), spec_.kernel);
  packed.decay_rate = read_values(source, data.decay_log);
  kernels::exponential(packed.decay_rate.data(), packed.decay_rate.size(),
                       packed.decay_rate.data());
  packed.decay_bias = read_values(source, data.decay_bias);
  packed.norm = NormWeights({{NormKind::rms, spec_.norm_epsilon}, data.norm}, source);
  source.read(data.out, compute_, staging, nullptr);
  packed.out = out_.pack(staging, memory + in_.packed_bytes());
  return packed;
}

// Key head by key head (q, k, its value heads' v and z; then b, a) to q, k, v, z, b, a.
void GatedDeltaProducts::unpack_row(float* row, float* scratch) const noexcept {
  if (!spec_.packed) return;
  const uint32_t share = spec_.value_heads / spec_.key_heads;  // value heads of a key head
  const size_t dk = spec_.key_width, dv = size_t{share} * spec_.value_width;
  const float* from = row;
  const auto take = [&](size_t to, size_t count) {
    std::memcpy(scratch + to, from, count * sizeof(float));
    from += count;
  };
  for (size_t h = 0; h < spec_.key_heads; ++h) {
    take(h * dk, dk);
    take(keys_ + h * dk, dk);
    take(2 * size_t{keys_} + h * dv, dv);
    take(channels_ + h * dv, dv);
  }
  const size_t b = size_t{channels_} + values_, a = b + spec_.value_heads;
  for (size_t h = 0; h < spec_.key_heads; ++h) {
    take(b + h * share, share);
    take(a + h * share, share);
  }
  std::memcpy(row, scratch, all_ * sizeof(float));
}

// One token of one value head.
void GatedDeltaProducts::step(const Packed& weights, uint32_t head, const float* projected,
                              const float* mixed, const Buffers& buffers,
                              float* out) const noexcept {
  const size_t dk = spec_.key_width, dv = spec_.value_width;
  const size_t key_head = head / (spec_.value_heads / spec_.key_heads);
  constexpr double kEpsilon = 1e-6;  // of the norms of query and key
  const auto unit = [&](const float* from, double scale, float* to) {
    const double length = std::sqrt(kernels::squared_norm(from, dk) + kEpsilon);
    kernels::set_scaled(static_cast<float>(scale / length), from, dk, to);
  };
  unit(mixed + key_head * dk, 1 / std::sqrt(static_cast<double>(dk)), buffers.query);
  unit(mixed + keys_ + key_head * dk, 1, buffers.key);

  const float* b = projected + channels_ + values_;
  float beta = b[head];
  kernels::sigmoid(&beta, 1, &beta);
  float decay = b[spec_.value_heads + head] + weights.decay_bias[head];
  kernels::softplus(&decay, 1, &decay);
  decay *= -weights.decay_rate[head];
  kernels::exponential(&decay, 1, &decay);
  std::fill_n(buffers.decay, dk, decay);
  kernels::delta_rule(buffers.state + head * dk * dv, dk, dv, buffers.decay, buffers.key,
                      mixed + 2 * size_t{keys_} + head * dv, beta, buffers.query, buffers.delta,
                      out);
}

void GatedDeltaProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  const size_t dv = spec_.value_width;
  in_.of(call.rows).run(call.in, weights.in, buffers.projected, *call.products);
  for (size_t t = 0; t < call.rows; ++t) unpack_row(buffers.projected + t * all_, buffers.gate);
  std::fill_n(buffers.state, size_t{spec_.value_heads} * spec_.key_width * dv, 0.0f);
  for (size_t t = 0; t < call.rows; ++t) {
    const float* row = buffers.projected + t * all_;
    convolve_row(buffers.projected, all_, t, weights.taps.data(), spec_.kernel, channels_,
                 buffers.mixed);
    kernels::sigmoid(buffers.mixed, channels_, buffers.gate);
    kernels::multiply(buffers.gate, buffers.mixed, channels_, buffers.mixed);
    for (uint32_t h = 0; h < spec_.value_heads; ++h) {
      float* out = buffers.out + h * dv;
      step(weights, h, row, buffers.mixed, buffers, out);
      weights.norm.apply(out, out);
      kernels::silu_times(row + channels_ + h * dv, out, dv, out);
    }
    std::byte* to = buffers.narrow + t * values_ * compute_bytes(compute_);
    if (compute_ == Compute::bf16) {
      narrow(buffers.out, values_, reinterpret_cast<bf16_t*>(to));
    } else {
      narrow(buffers.out, values_, reinterpret_cast<float*>(to));
    }
  }
  out_.of(call.rows).run(buffers.narrow, weights.out, call.out, *call.products);
}

double mixer_flops(const GatedDelta& data, uint32_t width, uint32_t length) {
  const GatedDeltaSpec& spec = data.spec;
  const double keys = double{1} * spec.key_heads * spec.key_width;
  const double values = double{1} * spec.value_heads * spec.value_width;
  const double channels = 2 * keys + values;
  return length * (2.0 * width * (channels + 2 * values + 2.0 * spec.value_heads) +
                   2.0 * spec.kernel * channels + 7.0 * spec.key_width * values);
}

}  // namespace rg::model
