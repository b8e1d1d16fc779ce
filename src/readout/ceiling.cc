#include "readout/ceiling.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "linear/decompositions.h"
#include "readout/products.h"
#include "tensor/buffer.h"

namespace rg::readout {
namespace {

// How often each expert was in the set, in either half of a row's draws.
using Counts = std::vector<uint32_t>;

// Sum of the `top_k` largest of `named`, ties to the lower id, each replaced by its `counted`.
double counted_on(const Counts& named, const Counts& counted, uint32_t top_k) {
  std::vector<uint32_t> order(named.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return named[a] > named[b]; });
  double sum = 0;
  for (uint32_t i = 0; i < top_k; ++i) sum += counted[order[i]];
  return sum;
}

// One worker's memory.
struct Room {
  Buffer<float> normal, residual;  // (draws, E)
  kernels::Scratch scratch;
  std::vector<float> logits;
  std::vector<int32_t> set;
};

struct Sampler {
  const Gate& gate;
  std::span<const float> means;
  const CeilingOptions& options;
  std::vector<float> root;  // (E, E), row-major
  kernels::HeadProduct product;

  void one_row(uint32_t row, Room& room, Ceiling& out) const {
    const uint32_t experts = gate.experts(), k = gate.top_k();
    for (uint32_t i = 0; i < room.normal.size(); ++i) {
      room.normal[i] = static_cast<float>(normal_draw(options.source, Draw::residual, i, row));
    }
    product.run(room.normal.data(), root.data(), room.residual.data(), room.scratch);
    room.scratch.throw_if_failed();
    std::array<Counts, 2> halves = {Counts(experts, 0), Counts(experts, 0)};
    for (uint32_t draw = 0; draw < options.draws; ++draw) {
      for (uint32_t e = 0; e < experts; ++e) {
        room.logits[e] =
            means[size_t{row} * experts + e] + room.residual[size_t{draw} * experts + e];
      }
      gate::select(gate.spec, room.logits, gate.selection_bias, room.set);
      for (const int32_t e : room.set) ++halves[draw % 2][static_cast<size_t>(e)];
    }
    Counts both(experts);
    std::transform(halves[0].begin(), halves[0].end(), halves[1].begin(), both.begin(),
                   std::plus<>());
    const double sets = static_cast<double>(options.draws) * k;
    out.upper[row] = counted_on(both, both, k) / sets;
    out.lower[row] =
        (counted_on(halves[0], halves[1], k) + counted_on(halves[1], halves[0], k)) / sets;
  }
};

std::vector<float> root_of(const linear::Matrix& covariance) {
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(covariance);
  const linear::Matrix root = pairs.vectors * pairs.values.cwiseMax(0.0).cwiseSqrt().asDiagonal();
  std::vector<float> out;
  for (Eigen::Index i = 0; i < root.rows(); ++i) {
    for (Eigen::Index j = 0; j < root.cols(); ++j) out.push_back(static_cast<float>(root(i, j)));
  }
  return out;
}

}  // namespace

Ceiling gaussian_ceiling(const Gate& gate, std::span<const float> means,
                         const linear::Matrix& residual, const CeilingOptions& options) {
  const uint32_t experts = gate.experts(), draws = options.draws;
  check_internal(draws >= 2 && draws % 2 == 0, "two halves of draws");
  check_internal(
      means.size() % experts == 0 && residual.rows() == experts && residual.cols() == experts,
      "shapes of a ceiling");
  const Sampler sampler{
      .gate = gate,
      .means = means,
      .options = options,
      .root = root_of(residual),
      .product = product_of({draws, experts, experts, kernels::HeadProduct::Right::transposed,
                             experts, experts, experts})};
  const size_t rows = means.size() / experts;
  Ceiling out{.lower = std::vector<double>(rows), .upper = std::vector<double>(rows)};
  std::vector<Room> rooms(static_cast<size_t>(options.threads));
  for (Room& room : rooms) {
    room.normal = Buffer<float>(size_t{draws} * experts);
    room.residual = Buffer<float>(size_t{draws} * experts);
    room.scratch.reserve(sampler.product.scratch_bytes());
    room.logits.resize(experts);
    room.set.resize(gate.top_k());
  }
  parallel_for(rows, options.threads, [&](size_t row, int worker) {
    sampler.one_row(static_cast<uint32_t>(row), rooms[static_cast<size_t>(worker)], out);
  });
  return out;
}

}  // namespace rg::readout
