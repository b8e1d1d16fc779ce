// Artifacts of kv_gauge: sums over simulated keys of equal direction statistics, so that every
// inequality between sums holds, with mean cosines as asked for.
#pragma once

#include <array>

#include "verify/fixture.h"

namespace rg::verify::testing {

inline constexpr int kKeyWidth = 16;
inline constexpr int kKeyHeads = 2;  // of layers 3 and 5; layer 1 has no keys

struct KvVariant {
  double learned = 0.935, random = 0.8;                 // mean cosines, held out
  double noise = 0.81;                                  // of the learned rotation, on noise
  double spread = 0.005;                                // of units about them
  std::array<double, 3> centred = {0.935, 0.93, 0.94};  // of raw, key_dc, dataset_mean
  bool normed = false;                                  // keys before RoPE, centred by dataset_mean
  bool all_gauges = false;
  bool refused = false;       // no learned rotation in head 0 of layer 5
  bool without_keys = false;  // in no layer
  int positions = 32;         // sampled per window; at most half of the window
};
// A row of `attention`.
Json attention_made(bool normed);
Json kv_gauge_of(const Shape& shape, const KvVariant& variant);

// What make_of_kv_gauge accepts.
inline constexpr const char* kKvGauges[] = {"kv_gauge", "kv_gauge_all", "kv_gauge_normed",
                                            "kv_gauge_refused", "kv_gauge_without_keys"};

}  // namespace rg::verify::testing
