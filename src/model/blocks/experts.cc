#include "model/blocks/experts.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"

namespace rg::model {

using kernels::Compute;
using kernels::kTileRows;

namespace {

size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

struct ExpertProducts::Buffers {
  Buffers(Arena& arena, const ExpertProducts& of)
      : gate_up(arena.take<float>(size_t{kTileRows} * 2 * of.spec_.inner_width)),
        hidden(arena.take<std::byte>(size_t{kTileRows} * of.spec_.inner_width *
                                     compute_bytes(of.compute_))) {}
  float* gate_up;     // (kTileRows, 2I)
  std::byte* hidden;  // (kTileRows, I) compute type
};

ExpertProducts::ExpertProducts(const MlpSpec& spec, uint32_t width, Compute compute)
    : spec_(spec),
      width_(width),
      compute_(compute),
      gate_up_(kTileRows, width, 2 * spec.inner_width, compute),
      down_(kTileRows, spec.inner_width, width, compute) {}

size_t ExpertProducts::packed_bytes() const {
  return padded(gate_up_.packed_bytes()) + padded(down_.packed_bytes());
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
  return std::max(gate_up_.scratch_bytes(), down_.scratch_bytes());
}

PackedExpert ExpertProducts::pack(const Expert& expert, WeightSource& source, std::byte* memory,
                                  std::byte* staging, float* shown) const {
  const size_t matrix = size_t{spec_.inner_width} * width_;
  const auto part = [&](size_t nth) { return shown == nullptr ? nullptr : shown + nth * matrix; };
  PackedExpert packed;
  source.read(expert.gate, compute_, staging, part(0));
  source.read(expert.up, compute_, staging + matrix * compute_bytes(compute_), part(1));
  packed.gate_up = gate_up_.pack(staging, memory);
  source.read(expert.down, compute_, staging, part(2));
  packed.down = down_.pack(staging, memory + padded(gate_up_.packed_bytes()));
  return packed;
}

void ExpertProducts::run(const PackedExpert& weights, uint32_t rows, std::byte* in, float* out,
                         std::byte* scratch, kernels::Scratch& products) const noexcept {
  Arena arena(scratch);
  const Buffers buffers(arena, *this);
  const uint32_t inner = spec_.inner_width;
  const size_t row_bytes = size_t{width_} * compute_bytes(compute_);
  std::memset(in + rows * row_bytes, 0, (kTileRows - rows) * row_bytes);
  gate_up_.run(in, weights.gate_up, buffers.gate_up, products);
  for (uint32_t row = 0; row < kTileRows; ++row) {
    const float* gate = buffers.gate_up + size_t{row} * 2 * inner;
    const float* up = gate + inner;
    const size_t at = size_t{row} * inner;
    if (compute_ == Compute::bf16) {
      kernels::silu_times(gate, up, inner, reinterpret_cast<bf16_t*>(buffers.hidden) + at);
    } else {
      kernels::silu_times(gate, up, inner, reinterpret_cast<float*>(buffers.hidden) + at);
    }
  }
  down_.run(buffers.hidden, weights.down, out, products);
}

double expert_flops(const MlpSpec& spec, uint32_t width) { return 6.0 * width * spec.inner_width; }

}  // namespace rg::model
