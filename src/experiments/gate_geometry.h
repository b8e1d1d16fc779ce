// The router matrix itself: singular values, effective ranks, cosines between its rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::experiments {

struct GateGeometry {
  std::vector<double> singular_values;  // descending, min(E, d)
  double entropy_rank = 0;              // exp(-sum p ln p), p_i = s_i^2 / sum
  uint32_t rank95 = 0;                  // fewest whose p add up to 0.95
  double mean_cosine = 0, mean_abs_cosine = 0, min_cosine = 0, max_cosine = 0;  // pairs of rows
};

GateGeometry measure_geometry(std::span<const float> router_weight, uint32_t experts,
                              uint32_t width);

}  // namespace rg::experiments
