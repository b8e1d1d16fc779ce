#include "ceiling.h"

#include <chrono>
#include <cstring>
#include <vector>

#include "base/parallel.h"

namespace rg::bench {

double grouped_products_per_s(uint32_t width, uint32_t expert_width, uint32_t experts,
                              uint32_t rows_per_expert, kernels::Compute compute, int threads) {
  using kernels::kTileRows;
  const kernels::WeightProduct gate_up(kTileRows, width, 2 * expert_width, compute);
  const kernels::WeightProduct down(kTileRows, expert_width, width, compute);
  const size_t element = kernels::compute_bytes(compute);

  Buffer<std::byte> raw(size_t{width} * 2 * expert_width * element);
  std::memset(raw.data(), 0x3c, raw.bytes());  // small positive values in both types
  std::vector<Buffer<std::byte>> memory;
  std::vector<kernels::PackedWeights> weights;
  for (uint32_t e = 0; e < experts; ++e) {
    for (const kernels::WeightProduct* product : {&gate_up, &down}) {
      memory.emplace_back(product->packed_bytes());
      weights.push_back(product->pack(raw.data(), memory.back().data()));
    }
  }
  struct Worker {
    kernels::Scratch scratch;
    Buffer<std::byte> in, hidden;
    Buffer<float> wide, out;
  };
  std::vector<Worker> workers;
  for (int i = 0; i < threads; ++i) {
    workers.push_back({.scratch = {},
                       .in = Buffer<std::byte>(size_t{kTileRows} * width * element),
                       .hidden = Buffer<std::byte>(size_t{kTileRows} * expert_width * element),
                       .wide = Buffer<float>(size_t{kTileRows} * 2 * expert_width),
                       .out = Buffer<float>(size_t{kTileRows} * width)});
    Worker& worker = workers.back();
    worker.scratch.reserve(std::max(gate_up.scratch_bytes(), down.scratch_bytes()));
    std::memset(worker.in.data(), 0, worker.in.bytes());
    std::memset(worker.hidden.data(), 0, worker.hidden.bytes());
  }
  const size_t tiles = (rows_per_expert + kTileRows - 1) / kTileRows;
  const auto pass = [&] {
    parallel_for(experts * tiles, threads, [&](size_t task, int w) {
      Worker& worker = workers[static_cast<size_t>(w)];
      const size_t expert = task / tiles;
      gate_up.run(worker.in.data(), weights[2 * expert], worker.wide.data(), worker.scratch);
      down.run(worker.hidden.data(), weights[2 * expert + 1], worker.out.data(), worker.scratch);
    });
  };
  pass();
  const auto start = std::chrono::steady_clock::now();
  pass();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double flops =
      6.0 * width * expert_width * kTileRows * static_cast<double>(tiles * experts);
  return flops / seconds;
}

}  // namespace rg::bench
