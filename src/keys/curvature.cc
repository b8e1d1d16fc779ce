#include "keys/curvature.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "keys/block_sums.h"
#include "linear/decompositions.h"
#include "stats/pinned_math.h"

namespace rg::keys {
namespace {

constexpr double kBand = 0.2;       // of a coordinate's root mean square
constexpr double kLeastGap = 1e-6;  // relative

// Weighted keys of one block under the rotation; norms of what is then there.
class TurnedBlocks {
 public:
  TurnedBlocks(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric)
      : keys_(keys),
        weights_(keys.weights(metric)),
        matrix_(row_major(rotation)),
        turned_(size_t{keys.keys().width()} * keys.keys().block_rows()) {}

  std::span<const float> block(uint32_t block) {
    const PackedKeys& packed = keys_.keys();
    packed.turn(block, matrix_, turned_);
    const uint32_t columns = packed.block_rows();
    for (size_t i = 0; i < turned_.size(); ++i) {
      turned_[i] *= weights_[packed.first_row(block) + i % columns];
    }
    return turned_;
  }

 private:
  const ItqKeys& keys_;
  std::span<const float> weights_;
  std::vector<float> matrix_, turned_;
};

// In the mean over skew A with E |A|_F^2 = 1: E A^2 = -I / d, and E (Ay)_i^2 = (|y|^2 - y_i^2) /
// (d (d - 1)). A weight times |y| is |weight times y|, so y are the weighted keys.
double kink_ratio_at(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric) {
  const uint32_t d = keys.keys().width(), columns = keys.keys().block_rows();
  if (d < 2) return 0;
  const double n = keys.nonzero_keys(), size = d;
  TurnedBlocks blocks(keys, rotation, metric);
  std::vector<double> energies(d, 0);
  double sizes = 0;
  for (uint32_t block = 0; block < keys.keys().blocks(); ++block) {
    const std::span<const float> turned = blocks.block(block);
    sizes += sum_of_sizes(turned);
    for (uint32_t i = 0; i < d; ++i) {
      energies[i] += sum_of_squares(turned.subspan(size_t{i} * columns, columns));
    }
  }
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  double kink = 0;
  for (uint32_t block = 0; block < keys.keys().blocks(); ++block) {
    const std::span<const float> turned = blocks.block(block);
    norms_of_block(turned, norms);
    for (uint32_t i = 0; i < d; ++i) {
      const double band = kBand * std::sqrt(energies[i] / n);
      if (band == 0) continue;
      double near_zero = 0;
      for (uint32_t at = 0; at < keys.keys().rows_in(block); ++at) {
        const auto y = static_cast<double>(turned[size_t{i} * columns + at]);
        if (std::abs(y) < band) near_zero += norms.squared[at] - y * y;
      }
      kink += near_zero / band;
    }
  }
  const double smooth = -sizes / (n * size);
  return -kink / (n * size * (size - 1)) / smooth;
}

// n log(mean squared residual) + 2 * 2, and the slope, of the best line y = a + b x.
struct Line {
  double criterion, slope;
};
Line line_through(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double slope = xy / xx;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = y[i] - mean_y - slope * (x[i] - mean_x);
    rest += error * error;
  }
  const double least = std::numeric_limits<double>::min();
  return {.criterion = n * stats::pinned_log(std::max(rest / n, least)) + 4, .slope = slope};
}

}  // namespace

linear::Matrix critical_matrix(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric) {
  check_internal(metric != Metric::beta_per_key, "curvature with weights that don't change");
  const SignMoment found = keys.sign_moment(rotation, metric);
  return found.moment * rotation.transpose() / keys.nonzero_keys();
}

double second_derivative(const linear::Matrix& critical_matrix, const linear::Matrix& skew) {
  const linear::Matrix squared = skew * skew;
  return squared.cwiseProduct(critical_matrix.transpose()).sum() /
         std::sqrt(static_cast<double>(skew.rows()));
}

Curvature curvature_at(const ItqKeys& keys, const linear::Matrix& rotation, Metric metric) {
  const linear::Matrix m = critical_matrix(keys, rotation, metric);
  const linear::Column values = linear::symmetric_eigenvalues((m + m.transpose()) / 2);
  const Eigen::Index d = values.size();
  const double root = std::sqrt(static_cast<double>(d)), norm = m.norm();
  Curvature out{.asymmetry = (m - m.transpose()).norm() / norm,
                .least_eigenvalue = values[0] / norm,
                .flattest = d < 2 ? 0 : -(values[0] + values[1]) / root,
                .steepest = d < 2 ? 0 : -(values[d - 1] + values[d - 2]) / root,
                .condition = std::numeric_limits<double>::infinity(),
                .kink_ratio = kink_ratio_at(keys, rotation, metric)};
  if (out.flattest < 0) out.condition = out.steepest / out.flattest;
  return out;
}

std::optional<Decay> decay_of(std::span<const double> values) {
  std::vector<double> steps, log_steps, log_gaps;
  for (size_t t = 0; t < values.size(); ++t) {
    const double gap = values.back() - values[t];
    if (!(gap > kLeastGap * std::abs(values.back()))) continue;
    const auto step = static_cast<double>(t + 1);
    steps.push_back(step);
    log_steps.push_back(stats::pinned_log(step));
    log_gaps.push_back(stats::pinned_log(gap));
  }
  if (steps.size() < 4) return std::nullopt;
  const Line geometric = line_through(steps, log_gaps), power = line_through(log_steps, log_gaps);
  return Decay{.geometric = geometric.criterion,
               .power = power.criterion,
               .rate = geometric.slope,
               .points = static_cast<uint32_t>(steps.size())};
}

}  // namespace rg::keys
