#include "ceiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "clock.h"

namespace rg::bench {
namespace {

using kernels::Compute;
using kernels::WeightLayout;

constexpr uint32_t kHeights[] = {192, 384, 768};
constexpr double kTrialSeconds = 0.2;

// C = A W^T of one shape, one kind.
class Multiplier {
 public:
  Multiplier(const ProductKind& kind, uint32_t in, uint32_t out, Compute compute)
      : rows_(kind.rows), in_(in), out_(out), compute_(compute) {
    if (kind.layout) product_.emplace(rows_, in, out, compute, *kind.layout);
  }

  size_t raw_bytes() const { return size_t{in_} * out_ * compute_bytes(compute_); }
  size_t scratch_bytes() const { return product_ ? product_->scratch_bytes() : 0; }
  double flops() const { return 2.0 * rows_ * in_ * out_; }

  struct Weights {
    Buffer<std::byte> memory;
    kernels::PackedWeights packed;
  };
  Weights pack(const Buffer<std::byte>& raw) const {
    Weights weights{Buffer<std::byte>(product_ ? product_->packed_bytes() : raw_bytes()), {}};
    if (product_) {
      weights.packed = product_->pack(raw.data(), weights.memory.data());
    } else {
      std::memcpy(weights.memory.data(), raw.data(), raw_bytes());
    }
    return weights;
  }
  void run(const std::byte* a, const Weights& weights, float* c, kernels::Scratch& scratch) const {
    if (product_) {
      product_->run(a, weights.packed, c, scratch);
      return;
    }
    const auto* left = reinterpret_cast<const float*>(a);
    const auto* right = reinterpret_cast<const float*>(weights.memory.data());
    check_internal(dnnl::sgemm('N', 'T', rows_, out_, in_, 1.0f, left, in_, right, in_, 0.0f, c,
                               out_) == dnnl::status::success,
                   "sgemm computes its product");
  }

 private:
  uint32_t rows_, in_, out_;
  Compute compute_;
  std::optional<kernels::WeightProduct> product_;
};

// The two products of an expert, and the buffers of each thread.
class ExpertOf {
 public:
  ExpertOf(const ProductKind& kind, uint32_t width, uint32_t expert_width, Compute compute,
           int threads)
      : gate_up(kind, width, 2 * expert_width, compute), down(kind, expert_width, width, compute) {
    const size_t element = compute_bytes(compute);
    for (int i = 0; i < threads; ++i) {
      Worker& worker = workers_.emplace_back(
          Worker{.scratch = {},
                 .in = Buffer<std::byte>(kind.rows * width * element),
                 .hidden = Buffer<std::byte>(kind.rows * expert_width * element),
                 .wide = Buffer<float>(size_t{kind.rows} * 2 * expert_width),
                 .out = Buffer<float>(size_t{kind.rows} * width)});
      worker.scratch.reserve(std::max(gate_up.scratch_bytes(), down.scratch_bytes()));
      std::memset(worker.in.data(), 0, worker.in.bytes());
      std::memset(worker.hidden.data(), 0, worker.hidden.bytes());
    }
  }

  struct Weights {
    Multiplier::Weights gate_up, down;
  };
  Weights weights() const {
    Buffer<std::byte> raw(gate_up.raw_bytes());
    std::memset(raw.data(), 0x3c, raw.bytes());  // small positive values in both types
    return {gate_up.pack(raw), down.pack(raw)};
  }
  double flops() const { return gate_up.flops() + down.flops(); }
  void run(const Weights& weights, int thread) {
    Worker& worker = workers_[static_cast<size_t>(thread)];
    gate_up.run(worker.in.data(), weights.gate_up, worker.wide.data(), worker.scratch);
    down.run(worker.hidden.data(), weights.down, worker.out.data(), worker.scratch);
  }

 private:
  struct Worker {
    kernels::Scratch scratch;
    Buffer<std::byte> in, hidden;
    Buffer<float> wide, out;
  };
  Multiplier gate_up, down;
  std::vector<Worker> workers_;
};

double trial(const ProductKind& kind, uint32_t in, uint32_t out, Compute compute, int threads) {
  const Multiplier product(kind, in, out, compute);
  Buffer<std::byte> raw(product.raw_bytes());
  std::memset(raw.data(), 0x3c, raw.bytes());
  const Multiplier::Weights weights = product.pack(raw);
  std::vector<double> rates(static_cast<size_t>(threads));
  parallel_for(rates.size(), threads, [&](size_t i, int) {
    kernels::Scratch scratch;
    scratch.reserve(product.scratch_bytes());
    Buffer<std::byte> a(size_t{kind.rows} * in * compute_bytes(compute));
    Buffer<float> c(size_t{kind.rows} * out);
    std::memset(a.data(), 0, a.bytes());
    rates[i] = product.flops() * runs_per_s(kTrialSeconds, [&] {
                 product.run(a.data(), weights, c.data(), scratch);
               });
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

std::string ProductKind::name() const {
  if (!layout) return fmt::format("oneDNN's sgemm, tiles of {} rows", rows);
  return fmt::format("oneDNN, tiles of {} rows, weights {}", rows,
                     *layout == WeightLayout::as_given ? "as given" : "in its own order");
}

ProductKind fastest_product(uint32_t in, uint32_t out, Compute compute, int threads) {
  std::vector<std::optional<WeightLayout>> layouts = {WeightLayout::onednn, WeightLayout::as_given};
  if (compute == Compute::f32) layouts.push_back(std::nullopt);
  ProductKind best = {};
  for (const uint32_t rows : kHeights) {
    for (const auto& layout : layouts) {
      ProductKind kind = {.rows = rows, .layout = layout};
      kind.flops_per_s = trial(kind, in, out, compute, threads);
      if (kind.flops_per_s > best.flops_per_s) best = kind;
    }
  }
  return best;
}

double grouped_products_per_s(const ProductKind& kind, uint32_t width, uint32_t expert_width,
                              uint32_t experts, uint32_t rows_per_expert, Compute compute,
                              int threads) {
  ExpertOf expert(kind, width, expert_width, compute, threads);
  std::vector<ExpertOf::Weights> weights;
  for (uint32_t e = 0; e < experts; ++e) weights.push_back(expert.weights());
  const size_t tiles = (rows_per_expert + kind.rows - 1) / kind.rows;
  const auto pass = [&] {
    parallel_for(experts * tiles, threads,
                 [&](size_t task, int w) { expert.run(weights[task / tiles], w); });
  };
  pass();
  const double start = seconds_now();
  pass();
  return expert.flops() * static_cast<double>(tiles * experts) / (seconds_now() - start);
}

}  // namespace rg::bench
