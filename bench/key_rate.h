// How fast the gauges of keys are fitted and reported, and ITQ's products against the plain one.
#pragma once

#include <cstdint>

namespace rg::bench {

struct KeyRate {
  uint32_t heads, heads_measured, width, keys;
  double seconds_measured;  // all gauges, noise included, of heads_measured heads on all threads
  double cpu_seconds;       // of the process meanwhile: what the machine's other work can't stretch
  double product_per_s;     // FLOP/s, keys (n, d) times a matrix, weights packed; one thread
  double itq_products_per_s;  // FLOP/s of the two products of an ITQ step alone
  double itq_step_per_s;      // FLOP of these two over the time of a whole step
  double itq_step_seconds;
};

// 8 of 64 heads of d = 128 with 16,384 keys each in 32 documents, half of them to fit on.
KeyRate key_rate(int threads);

}  // namespace rg::bench
