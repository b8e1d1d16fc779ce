#include "model/blocks/mamba2.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "kernels/recurrence.h"
#include "model/blocks/arena.h"
#include "model/blocks/convolution.h"
#include "model/blocks/narrow.h"

namespace rg::model {

struct Mamba2Products::Buffers {
  Buffers(Arena& arena, const Mamba2Products& of)
      : projected(arena.take<float>(size_t{of.most_rows_} * of.all_)),
        mixed(arena.take<float>(of.channels_)),
        sigmoids(arena.take<float>(of.channels_)),
        time_step(arena.take<float>(of.longest_)),
        decay(arena.take<float>(of.longest_)),
        scaled(arena.take<float>(size_t{of.longest_} * of.spec_.head_width)),
        state(arena.take<float>(kernels::recurrence_scratch(of.longest_, of.spec_.state_width))),
        narrow(
            arena.take<std::byte>(size_t{of.most_rows_} * of.inner_ * compute_bytes(of.compute_))) {
  }
  float* projected;          // (rows of the call, di + channels + nh)
  float *mixed, *sigmoids;   // (channels)
  float *time_step, *decay;  // (rows), of a head
  float* scaled;             // (rows, head width): time step times x, then what the head reads
  float* state;              // of the recurrence
  std::byte* narrow;         // (rows of the call, di) compute type
};

Mamba2Products::Mamba2Products(const Mamba2& data, const MixerSetting& setting)
    : spec_(data.spec),
      compute_(setting.compute),
      width_(setting.width),
      longest_(setting.longest()),
      most_rows_(setting.most_rows()),
      inner_(spec_.heads * spec_.head_width),
      channels_(inner_ + 2 * spec_.groups * spec_.state_width),
      all_(inner_ + channels_ + spec_.heads),
      in_(setting.width, all_, setting),
      out_(inner_, setting.width, setting) {}

size_t Mamba2Products::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

Mamba2Products::Packed Mamba2Products::pack(const Mamba2& data, WeightSource& source,
                                            std::byte* memory, std::byte* staging) const {
  Packed packed;
  source.read(data.in, compute_, staging, nullptr);
  packed.in = in_.pack(staging, memory);
  packed.in_bias = read_values(source, data.in_bias);
  packed.taps = transposed_taps(read_values(source, data.convolution), spec_.kernel);
  packed.convolution_bias = read_values(source, data.convolution_bias);
  packed.decay_rate = read_values(source, data.decay_log);
  kernels::exponential(packed.decay_rate.data(), packed.decay_rate.size(),
                       packed.decay_rate.data());
  packed.skip = read_values(source, data.skip);
  packed.step_bias = read_values(source, data.step_bias);
  packed.gain = read_values(source, data.norm);
  source.read(data.out, compute_, staging, nullptr);
  packed.out = out_.pack(staging, memory + in_.packed_bytes());
  packed.out_bias = read_values(source, data.out_bias);
  return packed;
}

// A head's recurrence: state = decay state + B (step x)^T; x becomes state^T C + D x.
void Mamba2Products::attend(const Packed& weights, uint32_t head, uint32_t rows,
                            const Buffers& buffers) const noexcept {
  const size_t n = spec_.state_width, width = spec_.head_width;
  const size_t group = head / (spec_.heads / spec_.groups);
  float* x = buffers.projected + inner_ + head * width;
  const float* b = buffers.projected + 2 * size_t{inner_} + group * n;
  float* steps = buffers.time_step;
  for (size_t t = 0; t < rows; ++t) {
    const float* projected = buffers.projected + t * all_;
    steps[t] = projected[inner_ + channels_ + head] + weights.step_bias[head];
  }
  kernels::softplus(steps, rows, steps);
  for (size_t t = 0; t < rows; ++t) {
    steps[t] = std::clamp(steps[t], spec_.least_step, spec_.largest_step);
    kernels::set_scaled(steps[t], x + t * all_, width, buffers.scaled + t * width);
  }
  kernels::set_scaled(-weights.decay_rate[head], steps, rows, buffers.decay);
  kernels::exponential(buffers.decay, rows, buffers.decay);
  kernels::run_recurrence({.tokens = rows,
                           .keys = n,
                           .values = width,
                           .query = b + size_t{spec_.groups} * n,
                           .key = b,
                           .key_stride = all_,
                           .decay = buffers.decay,
                           .decay_per_key = false,
                           .beta = nullptr,
                           .value = buffers.scaled,
                           .out = buffers.scaled,
                           .value_stride = width},
                          buffers.state);
  for (size_t t = 0; t < rows; ++t) {
    kernels::set_scaled(weights.skip[head], x + t * all_, width, x + t * all_);
    kernels::add(buffers.scaled + t * width, width, x + t * all_);
  }
}

// out = norm(out silu(gate)), part by part.
void Mamba2Products::gate_and_norm(const Packed& weights, const float* gate,
                                   float* out) const noexcept {
  kernels::silu_times(gate, out, inner_, out);
  const size_t part = inner_ / spec_.normed_groups;
  for (size_t at = 0; at < inner_; at += part) {
    kernels::rms_norm(out + at, weights.gain.data() + at, part, spec_.norm_epsilon, out + at);
  }
}

// The convolution and the recurrences of one sequence.
void Mamba2Products::mix(const Packed& weights, uint32_t rows,
                         const Buffers& buffers) const noexcept {
  if (weights.in_bias.size() != 0) {
    for (size_t t = 0; t < rows; ++t) {
      kernels::add(weights.in_bias.data(), all_, buffers.projected + t * all_);
    }
  }
  // From the last row to the first, in place: the convolution looks at earlier rows.
  for (size_t t = rows; t-- > 0;) {
    convolve_row(buffers.projected + inner_, all_, t, weights.taps.data(), spec_.kernel, channels_,
                 buffers.mixed);
    if (weights.convolution_bias.size() != 0) {
      kernels::add(weights.convolution_bias.data(), channels_, buffers.mixed);
    }
    kernels::sigmoid(buffers.mixed, channels_, buffers.sigmoids);
    kernels::multiply(buffers.sigmoids, buffers.mixed, channels_,
                      buffers.projected + t * all_ + inner_);
  }
  for (uint32_t head = 0; head < spec_.heads; ++head) attend(weights, head, rows, buffers);
}

void Mamba2Products::run(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  in_.run(call, call.in, weights.in, buffers.projected);
  for (size_t first = 0; first < call.rows(); first += call.shape.rows) {
    Buffers of_sequence = buffers;
    of_sequence.projected += first * all_;
    mix(weights, call.shape.rows, of_sequence);
  }
  for (size_t t = 0; t < call.rows(); ++t) {
    float* row = buffers.projected + t * all_;
    gate_and_norm(weights, row, row + inner_);
    narrow_row(compute_, row + inner_, inner_, t, buffers.narrow);
  }
  out_.run(call, buffers.narrow, weights.out, call.out);
  if (weights.out_bias.size() == 0) return;
  for (size_t t = 0; t < call.rows(); ++t) {
    kernels::add(weights.out_bias.data(), width_, call.out + t * width_);
  }
}

double mixer_flops(const Mamba2& data, uint32_t width, uint32_t length) {
  const Mamba2Spec& spec = data.spec;
  const double inner = double{1} * spec.heads * spec.head_width;
  const double channels = inner + 2.0 * spec.groups * spec.state_width;
  return length * (2.0 * width * (2 * inner + channels + spec.heads) +
                   2.0 * spec.kernel * channels + 6.0 * inner * spec.state_width);
}

}  // namespace rg::model
