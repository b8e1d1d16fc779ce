#include "model/blocks/experts.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"

namespace rg::model {

using kernels::Compute;

namespace {

// The fewest outputs of an expert's products.
uint32_t least_outputs(const MlpSpec& spec, uint32_t width) {
  const uint32_t hidden = spec.has_gate() ? 2 * spec.inner_width : spec.inner_width;
  const uint32_t least = std::min(hidden, spec.input_width(width));
  return spec.latent_width == 0 ? least : std::min(least, width);
}

}  // namespace

struct ExpertProducts::Buffers {
  Buffers(Arena& arena, const ExpertProducts& of)
      : gate_up(arena.take<float>(size_t{of.heights_.back()} * of.hidden_rows_)),
        hidden(arena.take<std::byte>(size_t{of.heights_.back()} * of.spec_.inner_width *
                                     compute_bytes(of.compute_))),
        latent(arena.take<float>(size_t{of.heights_.back()} * of.spec_.latent_width)),
        narrow_latent(arena.take<std::byte>(size_t{of.heights_.back()} * of.spec_.latent_width *
                                            compute_bytes(of.compute_))) {}
  float* gate_up;            // (rows, 2I), without gate (rows, I)
  std::byte* hidden;         // (rows, I) compute type
  float* latent;             // (rows, latent)
  std::byte* narrow_latent;  // (rows, latent) compute type
};

ExpertProducts::ExpertProducts(const MlpSpec& spec, uint32_t width, Compute compute)
    : spec_(spec),
      width_(width),
      input_width_(spec.input_width(width)),
      hidden_rows_(spec.has_gate() ? 2 * spec.inner_width : spec.inner_width),
      compute_(compute),
      heights_(kernels::tile_heights(least_outputs(spec, width), compute)),
      gate_up_(input_width_, hidden_rows_, compute, heights_),
      down_(spec.inner_width, input_width_, compute, heights_) {
  if (spec.latent_width == 0) return;
  latent_down_.emplace(width, spec.latent_width, compute, heights_);
  latent_up_.emplace(spec.latent_width, width, compute, heights_);
}

uint32_t ExpertProducts::tile_rows(size_t rows) const {
  const size_t tiles = std::max<size_t>(1, (rows + heights_.back() - 1) / heights_.back());
  return static_cast<uint32_t>((rows + tiles - 1) / tiles);
}

size_t ExpertProducts::packed_bytes() const {
  return gate_up_.packed_bytes() + down_.packed_bytes();
}

size_t ExpertProducts::staging_bytes() const {
  const size_t expert = size_t{hidden_rows_} * input_width_;
  return std::max(expert, size_t{spec_.latent_width} * width_) * compute_bytes(compute_);
}

size_t ExpertProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

size_t ExpertProducts::product_scratch_bytes() const {
  const size_t expert = std::max(gate_up_.product_scratch_bytes(), down_.product_scratch_bytes());
  if (!latent_down_) return expert;
  return std::max(
      {expert, latent_down_->product_scratch_bytes(), latent_up_->product_scratch_bytes()});
}

size_t ExpertProducts::latent_bytes() const {
  return latent_down_ ? latent_down_->packed_bytes() + latent_up_->packed_bytes() : 0;
}

PackedLatent ExpertProducts::pack(const LatentProjection& latent, WeightSource& source,
                                  std::byte* staging) const {
  PackedLatent packed;
  packed.memory = Buffer<std::byte>(latent_bytes());
  source.read(latent.down, compute_, staging, nullptr);
  packed.down = latent_down_->pack(staging, packed.memory.data());
  source.read(latent.up, compute_, staging, nullptr);
  packed.up = latent_up_->pack(staging, packed.memory.data() + latent_down_->packed_bytes());
  return packed;
}

PackedExpert ExpertProducts::pack(const Expert& expert, WeightSource& source, std::byte* memory,
                                  std::byte* staging, float* shown) const {
  const size_t matrix = size_t{spec_.inner_width} * input_width_;
  const auto part = [&](size_t nth) { return shown == nullptr ? nullptr : shown + nth * matrix; };
  PackedExpert packed;
  if (expert.gate_up) {
    source.read(expert.gate_up, compute_, staging, part(0));
  } else if (!spec_.has_gate()) {
    source.read(expert.up, compute_, staging, part(1));
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
    packed.gate_up_bias =
        read_values(source, spec_.has_gate() ? expert.gate_up_bias : expert.up_bias);
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
    if (spec_.activation == Activation::relu_squared) {
      kernels::relu_squared(gate_up, inner, gate_up);
    } else if (spec_.activation == Activation::gelu_tanh) {
      kernels::gelu_tanh_times(gate_up, up, inner, gate_up);
    } else {
      kernels::clamped_silu_times(gate_up, up, inner, spec_.alpha, spec_.limit, gate_up);
    }
    narrow_rows(gate_up, inner, hidden);
  }
}

void ExpertProducts::narrow_rows(const float* in, size_t values, std::byte* out) const noexcept {
  if (compute_ == Compute::bf16) {
    kernels::round_to_bf16(in, values, reinterpret_cast<bf16_t*>(out));
  } else {
    std::memcpy(out, in, values * sizeof(float));
  }
}

void ExpertProducts::run(const PackedExpert& weights, const PackedLatent* latent, uint32_t rows,
                         std::byte* in, float* out, std::byte* scratch,
                         kernels::Scratch& products) const noexcept {
  Arena arena(scratch);
  const Buffers buffers(arena, *this);
  const uint32_t inner = spec_.inner_width;
  const size_t row_bytes = size_t{width_} * compute_bytes(compute_);
  const uint32_t height = *std::lower_bound(heights_.begin(), heights_.end(), rows);
  std::memset(in + rows * row_bytes, 0, (height - rows) * row_bytes);
  const size_t latent_values = size_t{height} * spec_.latent_width;
  if (latent != nullptr) {
    latent_down_->of(height).run(in, latent->down, buffers.latent, products);
    narrow_rows(buffers.latent, latent_values, buffers.narrow_latent);
    in = buffers.narrow_latent;
  }
  gate_up_.of(height).run(in, weights.gate_up, buffers.gate_up, products);
  const size_t hidden_bytes = size_t{inner} * compute_bytes(compute_);
  for (uint32_t row = 0; row < height; ++row) {
    float* gate_up = buffers.gate_up + size_t{row} * hidden_rows_;
    if (weights.gate_up_bias.size() != 0) {
      kernels::add(weights.gate_up_bias.data(), hidden_rows_, gate_up);
    }
    activate(gate_up, buffers.hidden + row * hidden_bytes);
  }
  float* const written = latent == nullptr ? out : buffers.latent;
  down_.of(height).run(buffers.hidden, weights.down, written, products);
  if (weights.down_bias.size() != 0) {
    for (uint32_t row = 0; row < rows; ++row) {
      kernels::add(weights.down_bias.data(), input_width_, written + size_t{row} * input_width_);
    }
  }
  if (latent == nullptr) return;
  narrow_rows(buffers.latent, latent_values, buffers.narrow_latent);
  latent_up_->of(height).run(buffers.narrow_latent, latent->up, out, products);
}

double expert_flops(const MlpSpec& spec, uint32_t width) {
  const double matrices = spec.has_gate() ? 3 : 2;
  return 2.0 * matrices * spec.input_width(width) * spec.inner_width +
         4.0 * width * spec.latent_width;
}

}  // namespace rg::model
