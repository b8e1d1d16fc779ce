#include "model/blocks/gated_delta.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise.h"
#include "kernels/recurrence.h"
#include "model/blocks/arena.h"
#include "model/blocks/convolution.h"
#include "model/blocks/narrow.h"

namespace rg::model {

struct GatedDeltaProducts::Buffers {
  Buffers(Arena& arena, const GatedDeltaProducts& of) {
    const GatedDeltaSpec& spec = of.spec_;
    const size_t rows = of.longest_;
    projected = arena.take<float>(size_t{of.most_rows_} * of.all_);
    row = arena.take<float>(of.all_);
    gate = arena.take<float>(of.channels_);
    query = arena.take<float>(rows * spec.key_width);
    key = arena.take<float>(rows * spec.key_width);
    beta = arena.take<float>(rows);
    decay = arena.take<float>(rows);
    state = arena.take<float>(kernels::recurrence_scratch(rows, spec.key_width));
    narrow = arena.take<std::byte>(size_t{of.most_rows_} * of.values_ * compute_bytes(of.compute_));
  }
  float* projected;     // (rows of the call, channels + z + b + a)
  float* row;           // a row of anything
  float* gate;          // (channels)
  float *query, *key;   // (rows, dk), of a key head
  float *beta, *decay;  // (rows), of a value head
  float* state;         // of the recurrence
  std::byte* narrow;    // (rows of the call, nv dv) compute type
};

GatedDeltaProducts::GatedDeltaProducts(const GatedDelta& data, const MixerSetting& setting)
    : spec_(data.spec),
      compute_(setting.compute),
      longest_(setting.longest()),
      most_rows_(setting.most_rows()),
      keys_(spec_.key_heads * spec_.key_width),
      values_(spec_.value_heads * spec_.value_width),
      channels_(2 * keys_ + values_),
      all_(channels_ + values_ + 2 * spec_.value_heads),
      in_(setting.width, all_, setting),
      out_(values_, setting.width, setting) {}

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

// Queries and keys of a key head as unit vectors, the queries also divided by sqrt(dk).
void GatedDeltaProducts::unit_keys(uint32_t head, uint32_t rows,
                                   const Buffers& buffers) const noexcept {
  const size_t dk = spec_.key_width;
  constexpr double kEpsilon = 1e-6;  // of the norms
  const auto unit = [&](const float* from, double scale, float* to) {
    const double length = std::sqrt(kernels::squared_norm(from, dk) + kEpsilon);
    kernels::set_scaled(static_cast<float>(scale / length), from, dk, to);
  };
  for (size_t t = 0; t < rows; ++t) {
    const float* query = buffers.projected + t * all_ + head * dk;
    unit(query, 1 / std::sqrt(static_cast<double>(dk)), buffers.query + t * dk);
    unit(query + keys_, 1, buffers.key + t * dk);
  }
}

// The recurrence of a value head, its output in place of its values, normed and gated.
void GatedDeltaProducts::attend(const Packed& weights, uint32_t head, uint32_t rows,
                                const Buffers& buffers) const noexcept {
  const size_t dk = spec_.key_width, dv = spec_.value_width;
  const size_t b = size_t{channels_} + values_ + head;
  for (size_t t = 0; t < rows; ++t) {
    const float* row = buffers.projected + t * all_;
    buffers.beta[t] = row[b];
    buffers.decay[t] = row[b + spec_.value_heads] + weights.decay_bias[head];
  }
  kernels::sigmoid(buffers.beta, rows, buffers.beta);
  kernels::softplus(buffers.decay, rows, buffers.decay);
  kernels::set_scaled(-weights.decay_rate[head], buffers.decay, rows, buffers.decay);
  kernels::exponential(buffers.decay, rows, buffers.decay);
  float* values = buffers.projected + 2 * size_t{keys_} + head * dv;
  kernels::run_recurrence({.tokens = rows,
                           .keys = dk,
                           .values = dv,
                           .query = buffers.query,
                           .key = buffers.key,
                           .key_stride = dk,
                           .decay = buffers.decay,
                           .decay_per_key = false,
                           .beta = buffers.beta,
                           .value = values,
                           .out = values,
                           .value_stride = all_},
                          buffers.state);
  for (size_t t = 0; t < rows; ++t) {
    float* out = values + t * all_;
    weights.norm.apply(out, out);
    kernels::silu_times(buffers.projected + t * all_ + channels_ + head * dv, out, dv, out);
  }
}

// From the projections of one sequence to its values.
void GatedDeltaProducts::mix(const Packed& weights, uint32_t rows,
                             const Buffers& buffers) const noexcept {
  for (size_t t = 0; t < rows; ++t) unpack_row(buffers.projected + t * all_, buffers.row);
  // From the last row to the first, in place: the convolution looks at earlier rows.
  for (size_t t = rows; t-- > 0;) {
    convolve_row(buffers.projected, all_, t, weights.taps.data(), spec_.kernel, channels_,
                 buffers.row);
    kernels::sigmoid(buffers.row, channels_, buffers.gate);
    kernels::multiply(buffers.gate, buffers.row, channels_, buffers.projected + t * all_);
  }
  const uint32_t share = spec_.value_heads / spec_.key_heads;
  for (uint32_t head = 0; head < spec_.value_heads; ++head) {
    if (head % share == 0) unit_keys(head / share, rows, buffers);
    attend(weights, head, rows, buffers);
  }
}

void GatedDeltaProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  in_.run(call, call.in, weights.in, buffers.projected);
  for (size_t first = 0; first < call.rows(); first += call.shape.rows) {
    Buffers of_sequence = buffers;
    of_sequence.projected += first * all_;
    mix(weights, call.shape.rows, of_sequence);
  }
  for (size_t t = 0; t < call.rows(); ++t) {
    const float* out = buffers.projected + t * all_ + 2 * size_t{keys_};
    narrow_row(compute_, out, values_, t, buffers.narrow);
  }
  out_.run(call, buffers.narrow, weights.out, call.out);
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
