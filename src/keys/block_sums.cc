#include "keys/block_sums.h"

#include <bit>
#include <cmath>

namespace rg::keys {
namespace {

template <typename Term>
double lane_sum(std::span<const float> values, const Term& term) {
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    const float* const from = values.data() + i;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += term(static_cast<double>(from[lane]));
    }
  }
  for (size_t lane = 0; i < values.size(); ++i, ++lane) lanes[lane] += term(double{values[i]});
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

void norms_of_block(std::span<const float> turned, BlockNorms& norms) {
  const size_t columns = norms.one.size();
  for (size_t n = 0; n < columns; n += kLanes) {
    double one[kLanes] = {}, squared[kLanes] = {};
    for (size_t at = n; at < turned.size(); at += columns) {
      const float* const from = turned.data() + at;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const auto value = static_cast<double>(from[lane]);
        one[lane] += std::abs(value);
        squared[lane] += value * value;
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      norms.one[n + lane] = one[lane];
      norms.squared[n + lane] = squared[lane];
    }
  }
}

double sum_of_sizes(std::span<const float> values) {
  return lane_sum(values, [](double value) { return std::abs(value); });
}

double sum_of_squares(std::span<const float> values) {
  return lane_sum(values, [](double value) { return value * value; });
}

void put_weighted_signs(std::span<float> turned, std::span<const float> weights) {
  const size_t columns = weights.size();
  for (size_t begin = 0; begin < turned.size(); begin += columns) {
    for (size_t n = 0; n < columns; n += kLanes) {
      float* const to = turned.data() + begin + n;
      const float* const weight = weights.data() + n;
      uint32_t out[kLanes];
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float value = to[lane] + 0.0f;  // -0 becomes 0, the rest stays
        out[lane] =
            std::bit_cast<uint32_t>(weight[lane]) | (std::bit_cast<uint32_t>(value) & 0x80000000u);
      }
      for (size_t lane = 0; lane < kLanes; ++lane) to[lane] = std::bit_cast<float>(out[lane]);
    }
  }
}

}  // namespace rg::keys
