#include "experiments/redundancy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

constexpr double kTiny = 1e-12;

double index_of(double distance, double a, double b) {
  return std::min(1.0, distance / (a + b + kTiny));
}

}  // namespace

Output make_output(const float* values, const float* next_unembedding, double weight, size_t d) {
  return {.values = values,
          .norm = std::sqrt(kernels::squared_norm(values, d)),
          .target = kernels::dot(next_unembedding, values, d),
          .weight = weight};
}

double kappa_hidden(const Output& a, const Output& b, size_t d) {
  return index_of(std::sqrt(kernels::squared_distance(a.values, b.values, d)), a.norm, b.norm);
}

Redundancy compare(const Output& a, const Output& b, double update_norm, size_t d) {
  const double squared = kernels::squared_distance(a.values, b.values, d);
  const double aa = a.norm * a.norm, bb = b.norm * b.norm, product = a.norm * b.norm;
  Redundancy found{.kappa_hidden = index_of(std::sqrt(squared), a.norm, b.norm),
                   .kappa_target = index_of(std::fabs(a.target - b.target), std::fabs(a.target),
                                            std::fabs(b.target)),
                   .jump = std::numeric_limits<double>::quiet_NaN(),
                   .cosine = 0,
                   .log_ratio = 0,
                   .kappa_orth = 1};
  if (update_norm > 0) {
    found.jump = std::sqrt(kernels::squared_distance(a.weight, a.values, b.weight, b.values, d)) /
                 update_norm;
  }
  if (product > 0) {
    found.cosine = std::clamp((aa + bb - squared) / (2 * product), -1.0, 1.0);
    found.log_ratio = stats::pinned_log(a.norm / b.norm);
  }
  if (a.norm + b.norm > 0) found.kappa_orth = std::sqrt(aa + bb) / (a.norm + b.norm);
  return found;
}

}  // namespace rg::experiments
