// Pinned draws of gauges and null models: a pure function of the seed, the head and what the draw
// is for (base/random.h, Purpose::gauge).
#pragma once

#include <cstdint>
#include <vector>

#include "linear/matrix.h"

namespace rg::keys {

struct Place {
  uint64_t seed = 0;
  uint32_t layer = 0;
  uint32_t head = 0;  // KV head, below 4096
};

enum class Draw : uint32_t {
  signs = 1,
  rotation = 2,
  noise_fit = 3,
  noise_held_out = 4,
  phase = 5
};

// `number` tells draws of one kind apart, below 65536.
std::vector<double> random_signs(uint32_t count, const Place& place, uint32_t number);  // -1, +1
// Standard normal, by the quantile function: at most 6.3 in size.
double normal_draw(uint32_t index, const Place& place, Draw draw, uint32_t number);
double uniform_draw(uint32_t index, const Place& place, Draw draw, uint32_t number);  // in (0, 1)
// Uniform on O(d): Q of a normal matrix whose R has a positive diagonal (Mezzadri 2007).
linear::Matrix random_rotation(uint32_t width, const Place& place, uint32_t number);

}  // namespace rg::keys
