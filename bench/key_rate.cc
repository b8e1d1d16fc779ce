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
constexpr double kSeconds = 1;  // per rate

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

// FLOP/s of keys times a matrix, as one product with packed weights.
double plain_product(const keys::KeySet& rows) {
  const kernels::WeightProduct product(rows.rows(), kWidth, kWidth, kernels::Compute::f32);
  Buffer<std::byte> memory(product.packed_bytes());
  const std::vector<float> matrix =
      keys::row_major(keys::random_rotation(kWidth, {.seed = 9, .layer = 0, .head = 0}, 0));
  const kernels::PackedWeights packed = product.pack(matrix.data(), memory.data());
  kernels::Scratch scratch;
  scratch.reserve(product.scratch_bytes());
  std::vector<float> out(rows.values.size());
  const double flops = 2.0 * rows.rows() * kWidth * kWidth;
  return flops * runs_per_s(kSeconds,
                            [&] { product.run(rows.values.data(), packed, out.data(), scratch); });
}

void measure_itq(const keys::KeySet& rows, KeyRate& rate) {
  const keys::PackedKeys packed(rows.values, kWidth, keys::PackedKeys::Use::turn_and_moments);
  const keys::ItqKeys itq(packed);
  linear::Matrix rotation = keys::random_rotation(kWidth, {.seed = 9, .layer = 0, .head = 0}, 0);
  const std::vector<float> matrix = keys::row_major(rotation);
  std::vector<float> turned(size_t{kWidth} * packed.block_rows());
  linear::Matrix moment = linear::Matrix::Zero(kWidth, kWidth);
  const double flops = 4.0 * rows.rows() * kWidth * kWidth;
  rate.itq_products_per_s = flops * runs_per_s(kSeconds, [&] {
                              for (uint32_t block = 0; block < packed.blocks(); ++block) {
                                packed.turn(block, matrix, turned);
                                packed.add_moment(block, turned, moment);
                              }
                            });
  keys::PolarFactor polar(kWidth);
  const double steps = runs_per_s(kSeconds, [&] {
    rotation = keys::itq_step(polar, itq.sign_moment(rotation, keys::Metric::mean_cosine).moment,
                              rotation);
  });
  rate.itq_step_per_s = flops * steps;
  rate.itq_step_seconds = 1 / steps;
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
  parallel_for(1, 1, [&](size_t, int) {
    const keys::KeySet rows = synthetic_head(0).halves.fit;
    rate.product_per_s = plain_product(rows);
    measure_itq(rows, rate);
    rate.product_per_s = std::max(rate.product_per_s, plain_product(rows));
  });
  return rate;
}

}  // namespace rg::bench
