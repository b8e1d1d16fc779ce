#include "readout/steepness.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "readout/products.h"
#include "tensor/buffer.h"

namespace rg::readout {
namespace {

constexpr uint32_t kTileKeys = 128;
// Squared distances below this share of the squared lengths are computed again in fp64.
constexpr double kTooClose = 1e-5;

// Equal numbers for equal sets.
std::vector<uint32_t> set_numbers(const KeyRoutes& routes) {
  std::map<std::vector<int32_t>, uint32_t> numbers;
  std::vector<uint32_t> out;
  for (size_t at = 0; at < routes.sets.size(); at += routes.top_k) {
    const std::span<const int32_t> set = routes.sets.subspan(at, routes.top_k);
    std::vector<int32_t> sorted(set.begin(), set.end());
    std::sort(sorted.begin(), sorted.end());
    out.push_back(numbers.emplace(sorted, static_cast<uint32_t>(numbers.size())).first->second);
  }
  return out;
}

struct Partner {
  double value;  // what is compared
  uint32_t row;
};

class PairSearch {
 public:
  PairSearch(const KeyRoutes& routes, int threads)
      : routes_(routes),
        rows_(static_cast<uint32_t>(routes.margins.size())),
        tiles_((rows_ + kTileKeys - 1) / kTileKeys),
        sets_(set_numbers(routes)),
        squares_(rows_),
        padded_(size_t{tiles_} * kTileKeys * routes.width),
        product_(
            product_of({kTileKeys, routes.width, kTileKeys, kernels::HeadProduct::Right::transposed,
                        routes.width, routes.width, kTileKeys})),
        workers_(static_cast<size_t>(threads)) {
    std::fill(padded_.span().begin(), padded_.span().end(), 0.0f);
    std::copy(routes.keys.begin(), routes.keys.end(), padded_.data());
    for (uint32_t n = 0; n < rows_; ++n) {
      squares_[n] = kernels::squared_norm(key(n), routes.width);
    }
    for (Worker& worker : workers_) {
      worker.dots = Buffer<float>(size_t{kTileKeys} * kTileKeys);
      worker.scratch.reserve(product_.scratch_bytes());
    }
  }

  uint32_t tiles() const { return tiles_; }

  void one_tile(uint32_t tile, int worker_index, Slopes& out, std::vector<uint8_t>& collides) {
    Worker& worker = workers_[static_cast<size_t>(worker_index)];
    const uint32_t begin = tile * kTileKeys, end = std::min(rows_, begin + kTileKeys);
    worker.nearest.assign(kTileKeys, {std::numeric_limits<double>::infinity(), begin});
    worker.steepest.assign(kTileKeys, {0.0, begin});
    for (uint32_t other = 0; other < tiles_; ++other) {
      product_.run(key(begin), key(other * kTileKeys), worker.dots.data(), worker.scratch);
      worker.scratch.throw_if_failed();
      const uint32_t last = std::min(rows_, (other + 1) * kTileKeys);
      for (uint32_t a = begin; a < end; ++a) {
        for (uint32_t b = other * kTileKeys; b < last; ++b) {
          if (sets_[a] != sets_[b]) see(a, b, begin, other * kTileKeys, worker, collides);
        }
      }
    }
    for (uint32_t a = begin; a < end; ++a) {
      const Partner &near = worker.nearest[a - begin], &steep = worker.steepest[a - begin];
      out.nearest[a] = std::isinf(near.value) ? 0 : slope(a, near.row);
      out.steepest[a] = steep.value == 0 ? 0 : slope(a, steep.row);
    }
  }

 private:
  struct Worker {
    Buffer<float> dots;  // (kTileKeys, kTileKeys)
    kernels::Scratch scratch;
    std::vector<Partner> nearest, steepest;  // (kTileKeys)
  };

  const float* key(uint32_t row) const { return padded_.data() + size_t{row} * routes_.width; }
  double exact_square(uint32_t a, uint32_t b) const {
    return kernels::squared_distance(key(a), key(b), routes_.width);
  }
  double margin(uint32_t a, uint32_t b) const {
    const float least = std::min(routes_.margins[a], routes_.margins[b]);
    const bool known = !std::isnan(routes_.margins[a]) && !std::isnan(routes_.margins[b]);
    return known ? static_cast<double>(least) : 0;
  }
  double slope(uint32_t a, uint32_t b) const {
    const double above = std::numbers::sqrt2 * margin(a, b);
    return above == 0 ? 0 : above / std::sqrt(exact_square(a, b));
  }

  void see(uint32_t a, uint32_t b, uint32_t first_a, uint32_t first_b, Worker& worker,
           std::vector<uint8_t>& collides) const {
    const size_t at = size_t{a - first_a} * kTileKeys + (b - first_b);
    double square = squares_[a] + squares_[b] - 2 * static_cast<double>(worker.dots[at]);
    if (square <= kTooClose * (squares_[a] + squares_[b])) square = exact_square(a, b);
    if (square == 0) collides[a] = 1;
    Partner &near = worker.nearest[a - first_a], &steep = worker.steepest[a - first_a];
    if (square < near.value) near = {square, b};
    const double least = margin(a, b);
    if (least == 0) return;
    const double rise = least * least / square;
    if (rise > steep.value) steep = {rise, b};
  }

  const KeyRoutes& routes_;
  uint32_t rows_, tiles_;
  std::vector<uint32_t> sets_;
  std::vector<double> squares_;
  Buffer<float> padded_;  // (tiles * kTileKeys, m)
  kernels::HeadProduct product_;
  std::vector<Worker> workers_;
};

}  // namespace

Slopes key_slopes(const KeyRoutes& routes, int threads) {
  const size_t rows = routes.margins.size();
  check_internal(routes.keys.size() == rows * routes.width &&
                     routes.sets.size() == rows * routes.top_k && rows >= 1,
                 "a key, a set and a margin for every row");
  PairSearch search(routes, threads);
  Slopes out{
      .nearest = std::vector<double>(rows), .steepest = std::vector<double>(rows), .collisions = 0};
  std::vector<uint8_t> collides(rows, 0);
  parallel_for(search.tiles(), threads, [&](size_t tile, int worker) {
    search.one_tile(static_cast<uint32_t>(tile), worker, out, collides);
  });
  out.collisions = static_cast<uint64_t>(std::count(collides.begin(), collides.end(), 1));
  return out;
}

}  // namespace rg::readout
