#include <algorithm>
#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/givens.h"
#include "theorems/one_bit.h"
#include "theorems/rope.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

// The largest difference that a grid of common turns can make to a mean cosine.
double grid_error(int shifts) { return 5 / (static_cast<double>(shifts) * shifts); }

Vector duplicated(VectorView per_plane) {
  Vector out(2 * per_plane.size());
  for (Eigen::Index j = 0; j < per_plane.size(); ++j)
    out.segment<2>(2 * j).setConstant(per_plane[j]);
  return out;
}

// |R T k|_1 for every key (n), averaged over the common turns T of all planes but `resting`.
Vector mean_one_norms(TensorView keys, Eigen::Index resting, TensorView rotation, int shifts) {
  const Eigen::Index planes = (keys.cols() - resting) / 2;
  Vector sum = Vector::Zero(keys.rows());
  for (int s = 0; s < shifts; ++s) {
    const Vector angles = Vector::Constant(planes, 2 * kPi * s / shifts);
    sum += one_norms(turned(keys, rotation * plane_turn(angles, resting)));
  }
  return sum / shifts;
}

Vector cosines_from(const Vector& mean_norms, TensorView keys) {
  return mean_norms.cwiseQuotient(keys.rowwise().norm()) /
         std::sqrt(static_cast<double>(keys.cols()));
}

}  // namespace

Vector best_plane_angles(TensorView keys) {
  const Vector weights = cosine_weights(keys);
  Vector angles(keys.cols() / 2);
  for (Eigen::Index j = 0; j < angles.size(); ++j) {
    angles[j] = best_plane_turn(keys.col(2 * j), keys.col(2 * j + 1), weights).angle;
  }
  return angles;
}

void torus_lift(TensorView train, TensorView held_out, Findings& findings) {
  const Tensor gauge = plane_turn(best_plane_angles(train), 0);
  findings.at_least("mean cosine of the training keys after the learned turn",
                    mean_cosine(turned(train, gauge)), mean_cosine(train), 1e-12);
  const Vector lift = cosines_1bit(turned(held_out, gauge)) - cosines_1bit(held_out);
  near(findings, "lift of the mean cosine, held out", mean_of(lift), 0, 0);
}

void cyclic_torus_average(TensorView keys, int order, const std::vector<int>& steps,
                          Findings& findings) {
  const auto planes = static_cast<Eigen::Index>(steps.size());
  const double unit = 2 * kPi / order;
  Vector gauge(planes);
  for (Eigen::Index j = 0; j < planes; ++j) gauge[j] = unit * steps[static_cast<size_t>(j)];
  const Tensor further = plane_turn(gauge, 0);

  std::vector<int> counter(steps.size(), 0);
  double before = 0, after = 0, turns = 0;
  for (bool more = true; more; ++turns) {
    Vector angles(planes);
    for (Eigen::Index j = 0; j < planes; ++j) angles[j] = unit * counter[static_cast<size_t>(j)];
    const Tensor phased = turned(keys, plane_turn(angles, 0));
    before += mean_cosine(phased);
    after += mean_cosine(turned(phased, further));
    more = false;
    for (int& digit : counter) {
      digit = (digit + 1) % order;
      if (digit != 0) {
        more = true;
        break;
      }
    }
  }
  findings.equal("mean cosine over all phases, after the turn and before", after / turns,
                 before / turns, 1e-13);
}

CeilingReached rope_ceiling(TensorView keys, TensorView rotation, int shifts, Findings& findings) {
  const double m = shifts / 2;
  const double ceiling = std::numbers::sqrt2 / (m * std::sin(kPi / (2 * m)));
  const Vector norms = mean_one_norms(keys, 0, rotation, shifts);
  const double cosine = largest(cosines_from(norms, keys));
  findings.at_most("largest mean cosine of a key over all phases", cosine, ceiling, 1e-12);
  const double pooled =
      norms.sum() * norms.sum() / (static_cast<double>(keys.size()) * keys.squaredNorm());
  findings.at_most("pooled beta over all phases", pooled, ceiling * ceiling, 1e-12);
  return {.cosine = cosine / ceiling, .pooled = pooled / (ceiling * ceiling)};
}

void rope_ceiling_with_rest(TensorView keys, Eigen::Index resting, TensorView rotation, int shifts,
                            Findings& findings) {
  const Vector cosines = cosines_from(mean_one_norms(keys, resting, rotation, shifts), keys);
  const Vector share =
      keys.rightCols(resting).rowwise().squaredNorm().cwiseQuotient(keys.rowwise().squaredNorm());
  const Vector bounds = (share.array() + kCeiling * kCeiling * (1 - share.array())).sqrt();
  findings.at_most("mean cosine over all phases, mean over the keys", cosines.mean(), bounds.mean(),
                   grid_error(shifts));
  findings.at_most("largest excess of a key over its own bound", largest(cosines - bounds), 0,
                   grid_error(shifts));
}

void offset_phase_bound(double w, double b, Findings& findings) {
  constexpr int kGrid = 4096;
  double sum = 0;
  for (int i = 0; i < kGrid; ++i) sum += std::abs(w * std::cos(2 * kPi * (i + 0.5) / kGrid) + b);
  findings.at_most("E |w cos + b|", sum / kGrid, std::sqrt(b * b + 4 * w * w / (kPi * kPi)),
                   grid_error(kGrid) * w);
}

void plane_scaling(TensorView keys, int shifts, Findings& findings) {
  const Tensor identity = Tensor::Identity(keys.cols(), keys.cols());
  const Tensor scaled = keys * duplicated(inverse_plane_rms(keys)).asDiagonal();
  const double before = cosines_from(mean_one_norms(keys, 0, identity, shifts), keys).mean();
  findings.at_most("mean cosine without scaling", before, kCeiling, grid_error(shifts));
  findings.equal("mean cosine of the scaled keys",
                 cosines_from(mean_one_norms(scaled, 0, identity, shifts), scaled).mean(), kCeiling,
                 grid_error(shifts));
}

double scaled_score_error(TensorView queries, TensorView keys, VectorView scale) {
  const Vector factors = duplicated(scale);
  const Tensor scaled = keys * factors.asDiagonal();
  const Tensor error = (mmse_code(scaled) - scaled) * factors.cwiseInverse().asDiagonal();
  return (queries * error.transpose()).squaredNorm() /
         static_cast<double>(queries.rows() * keys.rows());
}

Vector inverse_plane_rms(TensorView keys) {
  Vector out(keys.cols() / 2);
  for (Eigen::Index j = 0; j < out.size(); ++j) {
    out[j] =
        std::sqrt(2 * static_cast<double>(keys.rows()) / keys.middleCols<2>(2 * j).squaredNorm());
  }
  return out;
}

Vector descend_plane_scale(TensorView queries, TensorView keys, VectorView start, int sweeps) {
  Vector scale = start;
  double error = scaled_score_error(queries, keys, scale), factor = 1.5;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    bool moved = false;
    for (double& entry : scale) {
      for (const double by : {factor, 1 / factor}) {
        const double old = entry;
        entry = old * by;
        const double now = scaled_score_error(queries, keys, scale);
        if (now < error) {
          error = now;
          moved = true;
        } else {
          entry = old;
        }
      }
    }
    if (!moved) factor = std::sqrt(factor);
  }
  return scale;
}

}  // namespace rg::theorems
