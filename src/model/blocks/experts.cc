#include "model/blocks/experts.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"

namespace rg::model {

using kernels::Compute;

struct ExpertProducts::Buffers {
  Buffers(Arena& arena, const ExpertProducts& of)
      : gate_up(arena.take<float>(size_t{of.heights_.back()} * 2 * of.spec_.inner_width)),
        hidden(arena.take<std::byte>(size_t{of.heights_.back()} * of.spec_.inner_width *
                                     compute_bytes(of.compute_))) {}
  float* gate_up;     // (rows, 2I)
  std::byte* hidden;  // (rows, I) compute type
};

ExpertProducts::ExpertProducts(const MlpSpec& spec, uint32_t width, Compute compute)
    : spec_(spec),
      width_(width),
      compute_(compute),
      heights_(kernels::tile_heights(std::min(2 * spec.inner_width, width))),
      gate_up_(width, 2 * spec.inner_width, compute, heights_),
      down_(spec.inner_width, width, compute, heights_) {}

uint32_t ExpertProducts::tile_rows(size_t rows) const {
  const size_t tiles = std::max<size_t>(1, (rows + heights_.back() - 1) / heights_.back());
  return static_cast<uint32_t>((rows + tiles - 1) / tiles);
}

size_t ExpertProducts::packed_bytes() const {
  return gate_up_.packed_bytes() + down_.packed_bytes();
}

size_t ExpertProducts::staging_bytes() const {
  return size_t{2} * spec_.inner_width * width_ * compute_bytes(compute_);
}

size_t ExpertProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

size_t ExpertProducts::product_scratch_bytes() const {
  return std::max(gate_up_.product_scratch_bytes(), down_.product_scratch_bytes());
}

PackedExpert ExpertProducts::pack(const Expert& expert, WeightSource& source, std::byte* memory,
                                  std::byte* staging, float* shown) const {
  const size_t matrix = size_t{spec_.inner_width} * width_;
  const auto part = [&](size_t nth) { return shown == nullptr ? nullptr : shown + nth * matrix; };
  PackedExpert packed;
  if (expert.gate_up) {
    source.read(expert.gate_up, compute_, staging, part(0));
  } else {
    source.read(expert.gate, compute_, staging, part(0));
    source.read(expert.up, compute_, staging + matrix * compute_bytes(compute_), part(1));
  }
  packed.gate_up = gate_up_.pack(staging, memory);
  if (expert.gate_bias) {
    packed.gate_up_bias = Buffer<float>(2 * size_t{spec_.inner_width});
    auto* bias = reinterpret_cast<std::byte*>(packed.gate_up_bias.data());
    source.read(expert.gate_bias, Compute::f32, bias, nullptr);
    source.read(expert.up_bias, Compute::f32, bias + spec_.inner_width * sizeof(float), nullptr);
  } else {
    packed.gate_up_bias = read_values(source, expert.gate_up_bias);
  }
  source.read(expert.down, compute_, staging, part(2));
  packed.down = down_.pack(staging, memory + gate_up_.packed_bytes());
  packed.down_bias = read_values(source, expert.down_bias);
  return packed;
}

// One row; what it writes to `hidden` is in the compute type.
void ExpertProducts::activate(float* gate_up, std::byte* hidden) const noexcept {
  const uint32_t inner = spec_.inner_width;
  const float* up = gate_up + inner;
  if (spec_.activation == Activation::silu && compute_ == Compute::bf16) {
    kernels::silu_times(gate_up, up, inner, reinterpret_cast<bf16_t*>(hidden));
  } else if (spec_.activation == Activation::silu) {
    kernels::silu_times(gate_up, up, inner, reinterpret_cast<float*>(hidden));
  } else {
    if (spec_.activation == Activation::gelu_tanh) {
      kernels::gelu_tanh_times(gate_up, up, inner, gate_up);
    } else {
      kernels::clamped_silu_times(gate_up, up, inner, spec_.alpha, spec_.limit, gate_up);
    }
    if (compute_ == Compute::bf16) {
      kernels::round_to_bf16(gate_up, inner, reinterpret_cast<bf16_t*>(hidden));
    } else {
      std::memcpy(hidden, gate_up, inner * sizeof(float));
    }
  }
}

void ExpertProducts::run(const PackedExpert& weights, uint32_t rows, std::byte* in, float* out,
                         std::byte* scratch, kernels::Scratch& products) const noexcept {
  Arena arena(scratch);
  const Buffers buffers(arena, *this);
  const uint32_t inner = spec_.inner_width;
  const size_t row_bytes = size_t{width_} * compute_bytes(compute_);
  const uint32_t height = *std::lower_bound(heights_.begin(), heights_.end(), rows);
  std::memset(in + rows * row_bytes, 0, (height - rows) * row_bytes);
  gate_up_.of(height).run(in, weights.gate_up, buffers.gate_up, products);
  const size_t hidden_bytes = size_t{inner} * compute_bytes(compute_);
  for (uint32_t row = 0; row < height; ++row) {
    float* gate_up = buffers.gate_up + size_t{row} * 2 * inner;
    if (weights.gate_up_bias.size() != 0) {
      kernels::add(weights.gate_up_bias.data(), 2 * inner, gate_up);
    }
    activate(gate_up, buffers.hidden + row * hidden_bytes);
  }
  down_.of(height).run(buffers.hidden, weights.down, out, products);
  if (weights.down_bias.size() == 0) return;
  for (uint32_t row = 0; row < rows; ++row) {
    kernels::add(weights.down_bias.data(), width_, out + size_t{row} * width_);
  }
}

double expert_flops(const MlpSpec& spec, uint32_t width) { return 6.0 * width * spec.inner_width; }

}  // namespace rg::model
