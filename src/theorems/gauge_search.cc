#include "theorems/gauge_search.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "theorems/draws.h"
#include "theorems/extremes.h"
#include "theorems/linear.h"
#include "theorems/sampling.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

// An orthonormal basis (d, d) whose first columns span those of `columns`, one after the other and
// with positive coefficients.
Tensor completed_basis(const Tensor& columns) {
  const linear::Qr qr = linear::qr_of(columns);
  Tensor out = qr.q;
  for (Eigen::Index i = 0; i < columns.cols(); ++i) {
    if (qr.r(i, i) < 0) out.col(i) = -out.col(i);
  }
  return out;
}

// Values that must not fall, relative 1e-12 of their size.
void never_falls(const char* name, const std::vector<double>& values, Findings& findings) {
  Tightest step;
  for (size_t i = 1; i < values.size(); ++i) step.see(values[i - 1], values[i]);
  findings.at_most(name, step.value(), step.bound(), 1e-12 * std::abs(values.front()));
}

}  // namespace

void itq_climbs(TensorView keys, VectorView weights, const Itq& run, Findings& findings) {
  never_falls("gain before a step, against after it", run.gains, findings);
  findings.equal("last gain, against that of the rotation", run.gains.back(),
                 itq_gain(keys, run.rotation, weights), 1e-12 * run.gains.back());
  findings.holds("no sign changes in the last step", run.settled);
  const Tensor moment = sign_moment(keys, run.rotation, weights) * run.rotation.transpose();
  findings.at_most("|M - M'| / |M|", (moment - moment.transpose()).norm() / moment.norm(), 0, 1e-8);
  const Vector eigenvalues = symmetric_eigenvalues((moment + moment.transpose()) / 2);
  findings.at_least("smallest eigenvalue of M over |M|", eigenvalues[0] / moment.norm(), 0, 1e-10);
}

void gains_are_metrics(TensorView keys, TensorView rotation, Findings& findings) {
  const auto n = static_cast<double>(keys.rows()), d = static_cast<double>(keys.cols());
  const Tensor moved = turned(keys, rotation);
  findings.equal("mean cosine, against the gain with weights 1/|k|", mean_cosine(moved),
                 itq_gain(keys, rotation, cosine_weights(keys)) / (n * std::sqrt(d)), 1e-12);
  findings.equal(
      "root of the pooled beta, against the gain with weights 1", std::sqrt(beta_pooled(moved)),
      itq_gain(keys, rotation, Vector::Ones(keys.rows())) / std::sqrt(n * d * keys.squaredNorm()),
      1e-12);
}

void climb_own_metric(TensorView keys, TensorView start, int steps, Findings& findings) {
  Tensor by_cosine = start, by_pool = start, by_key = start;
  std::vector<double> cosine, pool, key;
  for (int step = 0; step <= steps; ++step) {
    cosine.push_back(mean_cosine(turned(keys, by_cosine)));
    pool.push_back(beta_pooled(turned(keys, by_pool)));
    key.push_back(beta_per_key(turned(keys, by_key)));
    by_cosine = itq_step(keys, by_cosine, cosine_weights(keys));
    by_pool = itq_step(keys, by_pool, Vector::Ones(keys.rows()));
    by_key = itq_step(keys, by_key, one_norms(turned(keys, by_key)));
  }
  never_falls("mean cosine, weights 1/|k|", cosine, findings);
  never_falls("pooled beta, weights 1", pool, findings);
  never_falls("beta per key, weights |Rk|_1 of the step before", key, findings);
}

void query_error(TensorView queries, TensorView second_moments, VectorView error,
                 Findings& findings) {
  const double mean = (queries * error).squaredNorm() / static_cast<double>(queries.rows());
  findings.equal("mean squared score error, against e'Se", mean, error.dot(second_moments * error),
                 1e-12 * mean);
}

double best_scaled_error(TensorView second_moments, VectorView key, VectorView signs) {
  const double overlap = signs.dot(second_moments * key);
  return key.dot(second_moments * key) - overlap * overlap / signs.dot(second_moments * signs);
}

void generalisation_gap(TensorView train, TensorView held_out, TensorView rotation, double delta,
                        GapBound bound, Findings& findings) {
  const Estimate other = mean_of(cosines_1bit(turned(held_out, rotation)));
  not_above(findings, "|mean cosine in sample - held out|",
            {std::abs(mean_cosine(turned(train, rotation)) - other.value), other.error},
            bound(train.rows(), train.cols(), delta));
}

Tensor hadamard_fit(TensorView keys) {
  return hadamard(keys.cols()) * completed_basis(keys.transpose()).transpose();
}

Tensor single_key_fit(VectorView key) {
  const Tensor ones = Tensor::Ones(key.size(), 1);
  return completed_basis(ones) * completed_basis(key).transpose();
}

Tensor two_key_fit(VectorView key, VectorView other) {
  const auto d = static_cast<double>(key.size());
  const double cosine = key.normalized().dot(other.normalized());
  const auto flips = static_cast<Eigen::Index>(std::nearbyint((1 - cosine) * d / 2));
  Tensor from(key.size(), 2), to = Tensor::Ones(key.size(), 2);
  from << key, other;
  to.col(1).head(flips).setConstant(-1);
  return completed_basis(to) * completed_basis(from).transpose();
}

void perfect_fit(TensorView keys, TensorView rotation, Findings& findings) {
  const Tensor gram = rotation.transpose() * rotation;
  findings.at_most("|R'R - I|_F", (gram - Tensor::Identity(gram.rows(), gram.cols())).norm(), 0,
                   1e-12);
  findings.equal("smallest cosine of the turned keys", least(cosines_1bit(turned(keys, rotation))),
                 1, 1e-12);
}

void exact_turn(VectorView x, VectorView y, VectorView weights, const PlaneTurn& turn, int grid,
                Findings& findings) {
  const double size = weights.dot((x.cwiseAbs2() + y.cwiseAbs2()).cwiseSqrt());
  Vector radii(x.size()), angles(x.size());
  for (Eigen::Index n = 0; n < x.size(); ++n) {
    radii[n] = std::hypot(x[n], y[n]);
    angles[n] = std::atan2(y[n], x[n]);
  }
  Tightest best;
  Vector forms(grid), periods(grid);
  for (int i = 0; i < grid; ++i) {
    const double angle = std::numbers::pi / 2 * i / grid;
    const double gain = plane_gain(x, y, weights, angle);
    const auto at = (angles.array() + angle).eval();
    forms[i] = weights.dot(radii.cwiseProduct((at.cos().abs() + at.sin().abs()).matrix())) - gain;
    periods[i] = plane_gain(x, y, weights, angle + std::numbers::pi / 2) - gain;
    best.see(gain, turn.gain);
  }
  findings.at_most("largest difference of the two forms, relative", largest_size(forms) / size, 0,
                   1e-12);
  findings.at_most("largest difference after a quarter turn, relative",
                   largest_size(periods) / size, 0, 1e-12);
  findings.equal("stated gain, against the gain at the angle", turn.gain,
                 plane_gain(x, y, weights, turn.angle), 1e-12 * size);
  findings.at_most("largest gain on the grid, against the exact maximum", best.value(),
                   best.bound(), 1e-12 * size);
}

void sweeps_climb(TensorView keys, VectorView weights, int sweeps, Findings& findings) {
  Tensor now = keys;
  std::vector<double> gains{weights.dot(one_norms(now))};
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (Eigen::Index i = 0; i < keys.cols(); ++i) {
      for (Eigen::Index j = i + 1; j < keys.cols(); ++j) {
        const Vector x = now.col(i), y = now.col(j);
        const double angle = best_plane_turn(x, y, weights).angle;
        now.col(i) = std::cos(angle) * x - std::sin(angle) * y;
        now.col(j) = std::sin(angle) * x + std::cos(angle) * y;
        gains.push_back(weights.dot(one_norms(now)));
      }
    }
  }
  never_falls("sum of one-norms before a turn, against after it", gains, findings);
  findings.at_most("energy of the keys, change, relative",
                   std::abs(now.squaredNorm() / keys.squaredNorm() - 1), 0, 1e-11);
  findings.at_least("sum of one-norms, last against first", gains.back(), gains.front());
}

}  // namespace rg::theorems
