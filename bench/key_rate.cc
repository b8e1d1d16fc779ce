#include "key_rate.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <vector>

#include "base/parallel.h"
#include "clock.h"
#include "kernels/product.h"
#include "keys/fit.h"
#include "keys/itq.h"
#include "keys/packed_keys.h"
#include "keys/polar.h"
#include "tensor/buffer.h"

namespace rg::bench {
namespace {

constexpr uint32_t kHeads = 64, kMeasured = 8, kWidth = 128, kKeys = 16384, kDocuments = 32;
constexpr double kSeconds = 3;  // of measuring rates

// Gaussian keys around a mean whose coordinates differ in size by two orders of magnitude.
keys::HeadKeys synthetic_head(uint32_t head) {
  const keys::Place place{.seed = 9, .layer = 0, .head = head};
  std::vector<float> values(size_t{kKeys} * kWidth);
  std::vector<uint32_t> documents(kKeys);
  for (uint32_t n = 0; n < kKeys; ++n) {
    documents[n] = n / (kKeys / kDocuments);
    for (uint32_t j = 0; j < kWidth; ++j) {
      const double size = std::exp(-4.6 * j / kWidth), mean = j % 16 == 0 ? 2 : 0.2;
      const uint32_t i = n * kWidth + j;
      const double normal = keys::normal_draw(i, place, keys::Draw::noise_fit, 1);
      values[i] = static_cast<float>(size * (normal + mean));
    }
  }
  keys::HeadKeys out{
      .halves = keys::halves_of({.values = values, .width = kWidth, .documents = documents}),
      .planes = {},
      .placement = {.rope = true},
      .place = place};
  for (uint32_t j = 0; j < kWidth / 2; ++j) {
    out.planes.pairs.push_back({j, j + kWidth / 2});
    out.planes.frequencies.push_back(std::pow(1e4, -2.0 * j / kWidth));
  }
  return out;
}

keys::FitOptions all_gauges() {
  keys::FitOptions options;
  for (int kind = 0; kind <= static_cast<int>(keys::GaugeKind::blocks); ++kind) {
    options.gauges.push_back(static_cast<keys::GaugeKind>(kind));
  }
  return options;
}

void time_all(int threads, KeyRate& rate) {
  std::vector<keys::HeadKeys> heads;
  for (uint32_t head = 0; head < kMeasured; ++head) heads.push_back(synthetic_head(head));
  const double start = seconds_now();
  const std::clock_t cpu_start = std::clock();
  parallel_for(kMeasured, threads,
               [&](size_t head, int) { keys::fit_gauges(heads[head], all_gauges()); });
  rate.seconds_measured = seconds_now() - start;
  rate.cpu_seconds = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
}

// Keys times a matrix, as one product with packed weights.
class PlainProduct {
 public:
  PlainProduct(const keys::KeySet& rows, const std::vector<float>& matrix)
      : rows_(rows),
        product_(rows.rows(), kWidth, kWidth, kernels::Compute::f32),
        memory_(product_.packed_bytes()),
        packed_(product_.pack(matrix.data(), memory_.data())),
        out_(rows.values.size()) {
    scratch_.reserve(product_.scratch_bytes());
  }
  void run() { product_.run(rows_.values.data(), packed_, out_.data(), scratch_); }

 private:
  const keys::KeySet& rows_;
  kernels::WeightProduct product_;
  Buffer<std::byte> memory_;
  kernels::PackedWeights packed_;
  kernels::Scratch scratch_;
  std::vector<float> out_;
};

// The shortest of all runs so far.
template <typename Work>
void run_once(double& least, const Work& work) {
  const double start = seconds_now();
  work();
  least = std::min(least, seconds_now() - start);
}

// The three in turn, and of each its fastest run: so other work on the machine meets all alike.
void time_products(const keys::KeySet& rows, KeyRate& rate) {
  linear::Matrix rotation = keys::random_rotation(kWidth, {.seed = 9, .layer = 0, .head = 0}, 0);
  const std::vector<float> matrix = keys::row_major(rotation);
  PlainProduct plain(rows, matrix);
  const keys::PackedKeys packed(rows.values, kWidth, keys::PackedKeys::Use::turn_and_moments);
  const keys::ItqKeys itq(packed);
  keys::PolarFactor polar(kWidth);
  std::vector<float> turned(size_t{kWidth} * packed.block_rows());
  linear::Matrix moment = linear::Matrix::Zero(kWidth, kWidth);
  double plain_least = 1e9, products_least = 1e9, step_least = 1e9;
  const double start = seconds_now();
  while (seconds_now() - start < kSeconds) {
    run_once(plain_least, [&] { plain.run(); });
    run_once(products_least, [&] {
      for (uint32_t block = 0; block < packed.blocks(); ++block) {
        packed.turn(block, matrix, turned);
        packed.add_moment(block, turned, moment);
      }
    });
    run_once(step_least, [&] {
      const keys::SignMoment now = itq.sign_moment(rotation, keys::Metric::mean_cosine);
      rotation = keys::itq_step(polar, now.moment, rotation);
    });
  }
  const double flops = 2.0 * rows.rows() * kWidth * kWidth;
  rate.product_per_s = flops / plain_least;
  rate.itq_products_per_s = 2 * flops / products_least;
  rate.itq_step_per_s = 2 * flops / step_least;
  rate.itq_step_seconds = step_least;
}

}  // namespace

KeyRate key_rate(int threads) {
  KeyRate rate{.heads = kHeads,
               .heads_measured = kMeasured,
               .width = kWidth,
               .keys = kKeys,
               .seconds_measured = 0,
               .cpu_seconds = 0,
               .product_per_s = 0,
               .itq_products_per_s = 0,
               .itq_step_per_s = 0,
               .itq_step_seconds = 0};
  time_all(threads, rate);
  parallel_for(1, 1, [&](size_t, int) { time_products(synthetic_head(0).halves.fit, rate); });
  return rate;
}

}  // namespace rg::bench
