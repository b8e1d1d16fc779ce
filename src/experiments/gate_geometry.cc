#include "experiments/gate_geometry.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.h"
#include "linear/decompositions.h"
#include "stats/pinned_math.h"

namespace rg::experiments {

GateGeometry measure_geometry(std::span<const float> router_weight, uint32_t experts,
                              uint32_t width) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> weight(router_weight.data(), experts, width);
  linear::Matrix tall = weight.cast<double>();
  if (experts < width) tall.transposeInPlace();
  const linear::Column values = linear::singular_values(linear::qr_triangle(tall));

  GateGeometry geometry;
  geometry.singular_values.assign(values.data(), values.data() + values.size());
  double total = 0;
  for (const double s : geometry.singular_values) total += s * s;
  double entropy = 0, reached = 0;
  for (const double s : geometry.singular_values) {
    const double p = total > 0 ? s * s / total : 0;
    entropy -= stats::x_log_x(p);
    if (reached < 0.95) ++geometry.rank95;
    reached += p;
  }
  geometry.entropy_rank = stats::pinned_exp(entropy);

  const auto row = [&](uint32_t e) { return router_weight.data() + size_t{e} * width; };
  std::vector<double> norm(experts);
  for (uint32_t e = 0; e < experts; ++e) {
    norm[e] = std::sqrt(kernels::squared_norm(row(e), width));
  }
  geometry.min_cosine = 1;
  geometry.max_cosine = -1;
  double sum = 0, absolute = 0, number = 0;
  for (uint32_t a = 0; a < experts; ++a) {
    for (uint32_t b = a + 1; b < experts; ++b) {
      const double product = norm[a] * norm[b];
      const double cosine =
          product > 0 ? std::clamp(kernels::dot(row(a), row(b), width) / product, -1.0, 1.0) : 0;
      geometry.min_cosine = std::min(geometry.min_cosine, cosine);
      geometry.max_cosine = std::max(geometry.max_cosine, cosine);
      sum += cosine;
      absolute += std::fabs(cosine);
      number += 1;
    }
  }
  geometry.mean_cosine = sum / std::max(number, 1.0);
  geometry.mean_abs_cosine = absolute / std::max(number, 1.0);
  return geometry;
}

}  // namespace rg::experiments
