#include "keys/rope_gauges.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "keys/givens.h"
#include "keys/hadamard.h"
#include "keys/principal.h"
#include "keys/score_error.h"

namespace rg::keys {
namespace {

constexpr uint32_t kTrialSteps = 4;  // of a group's two starts

// Coordinates (columns, all rows with padding) of some columns of the keys, unchanged.
std::vector<float> columns_of(const PackedKeys& keys, const std::vector<uint32_t>& columns) {
  const uint32_t d = keys.width(), rows = keys.block_rows();
  const size_t all = size_t{rows} * keys.blocks();
  const std::vector<float> identity = row_major(linear::Matrix::Identity(d, d));
  std::vector<float> block_columns(size_t{d} * rows), out(columns.size() * all);
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, identity, block_columns);
    for (size_t at = 0; at < columns.size(); ++at) {
      for (uint32_t n = 0; n < rows; ++n) {
        out[at * all + keys.first_row(block) + n] = block_columns[size_t{columns[at]} * rows + n];
      }
    }
  }
  return out;
}

// Some columns of the keys as keys of their own, row-major.
std::vector<float> rows_of(const PackedKeys& keys, const std::vector<uint32_t>& columns) {
  const std::vector<float> across = columns_of(keys, columns);
  const size_t all = across.size() / columns.size();
  std::vector<float> out(size_t{keys.rows()} * columns.size());
  for (size_t n = 0; n < keys.rows(); ++n) {
    for (size_t at = 0; at < columns.size(); ++at)
      out[n * columns.size() + at] = across[at * all + n];
  }
  return out;
}

linear::Matrix rotation_of_group(const ItqKeys& keys, const std::vector<uint32_t>& columns,
                                 Metric metric, const ItqOptions& options) {
  const auto width = static_cast<uint32_t>(columns.size());
  const PackedKeys packed(rows_of(keys.keys(), columns), width, PackedKeys::Use::turn_and_moments);
  const ItqKeys part(packed, keys);
  linear::Matrix start = principal_axes(second_moments(packed)).rotation;
  if (hadamard_name(width)) start = linear::Matrix(hadamard_matrix(width) * start);
  const linear::Matrix identity = linear::Matrix::Identity(width, width);
  const std::vector<Start> starts{{.name = "identity", .rotation = identity},
                                  {.name = "principal axes", .rotation = start}};
  return search_from(part, starts, metric, kTrialSteps, options).best.gauge;
}

}  // namespace

linear::Matrix torus_gauge(const ItqKeys& keys, const RotaryPlanes& planes, Metric metric) {
  const uint32_t d = keys.keys().width();
  check_planes(planes, d);
  const std::span<const float> weights = keys.weights(metric);
  linear::Matrix out = linear::Matrix::Identity(d, d);
  std::vector<uint32_t> columns;
  for (const auto& pair : planes.pairs) columns.insert(columns.end(), pair.begin(), pair.end());
  std::vector<float> across = columns_of(keys.keys(), columns);
  const size_t all = columns.empty() ? 0 : across.size() / columns.size();
  for (size_t i = 0; i < across.size(); ++i) across[i] *= weights[i % all];
  for (size_t plane = 0; plane < planes.pairs.size(); ++plane) {
    const std::span<const float> both = std::span(across).subspan(2 * plane * all, 2 * all);
    const double angle = best_plane_turn(both.first(all), both.last(all)).angle;
    const auto [i, j] = planes.pairs[plane];
    out(i, i) = out(j, j) = std::cos(angle);
    out(j, i) = std::sin(angle);
    out(i, j) = -std::sin(angle);
  }
  return out;
}

linear::Matrix plane_scaling(const linear::Matrix& second_moments, double n,
                             const RotaryPlanes& planes) {
  const auto width = static_cast<uint32_t>(second_moments.rows());
  check_planes(planes, width);
  const auto inverse_rms = [&](double energy, double coordinates) {
    return energy > 0 ? std::sqrt(coordinates * n / energy) : 1.0;
  };
  linear::Matrix out = linear::Matrix::Identity(width, width);
  for (const auto& [i, j] : planes.pairs) {
    out(i, i) = out(j, j) = inverse_rms(second_moments(i, i) + second_moments(j, j), 2);
  }
  for (const uint32_t i : planes.unrotated(width)) out(i, i) = inverse_rms(second_moments(i, i), 1);
  return out;
}

linear::Matrix descend_plane_scaling(const PackedKeys& keys, const RotaryPlanes& planes,
                                     const linear::Matrix& start,
                                     const linear::Matrix& query_moments, uint32_t sweeps) {
  check_planes(planes, keys.width());
  std::vector<std::vector<uint32_t>> groups;
  for (const auto& pair : planes.pairs) groups.push_back({pair[0], pair[1]});
  for (const uint32_t column : planes.unrotated(keys.width())) groups.push_back({column});
  const Document all{.index = 0, .begin = 0, .end = keys.rows()};
  const auto error_of = [&](const linear::Matrix& gauge) {
    return score_sums(keys, gauge, query_moments, {&all, 1}).front().error;
  };
  linear::Matrix best = start;
  double least = error_of(best), factor = 1.5;
  for (uint32_t sweep = 0; sweep < sweeps; ++sweep) {
    bool moved = false;
    for (const std::vector<uint32_t>& group : groups) {
      for (const double by : {factor, 1 / factor}) {
        linear::Matrix trial = best;
        for (const uint32_t column : group) trial(column, column) *= by;
        const double error = error_of(trial);
        if (error >= least) continue;
        least = error;
        best = std::move(trial);
        moved = true;
      }
    }
    if (!moved) factor = std::sqrt(factor);
  }
  return best;
}

linear::Matrix block_rotation(const ItqKeys& keys, const std::vector<std::vector<uint32_t>>& groups,
                              Metric metric, const ItqOptions& options) {
  const uint32_t d = keys.keys().width();
  linear::Matrix out = linear::Matrix::Identity(d, d);
  for (const std::vector<uint32_t>& columns : groups) {
    if (columns.size() < 2) continue;  // a sign changes nothing
    const linear::Matrix part = rotation_of_group(keys, columns, metric, options);
    for (size_t i = 0; i < columns.size(); ++i) {
      for (size_t j = 0; j < columns.size(); ++j) {
        out(columns[i], columns[j]) =
            part(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
      }
    }
  }
  return out;
}

linear::Matrix foldable_rotation(const ItqKeys& keys, const RotaryPlanes& planes, Metric metric,
                                 const ItqOptions& options) {
  const uint32_t d = keys.keys().width();
  const linear::Matrix torus = torus_gauge(keys, planes, metric);
  const linear::Matrix rest = block_rotation(keys, {planes.unrotated(d)}, metric, options);
  return torus * rest;  // on disjoint columns
}

double commutation_defect(const linear::Matrix& gauge, const RotaryPlanes& planes) {
  check_planes(planes, static_cast<uint32_t>(gauge.rows()));
  linear::Matrix step = linear::Matrix::Identity(gauge.rows(), gauge.rows());
  for (size_t plane = 0; plane < planes.pairs.size(); ++plane) {
    const auto [i, j] = planes.pairs[plane];
    step(i, i) = step(j, j) = std::cos(planes.frequencies[plane]);
    step(j, i) = std::sin(planes.frequencies[plane]);
    step(i, j) = -std::sin(planes.frequencies[plane]);
  }
  return linear::Matrix(gauge * step - step * gauge).norm() / gauge.norm();
}

}  // namespace rg::keys
