#include "theorems/centering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "theorems/attention.h"
#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

// Squared errors of every key's code with one scale for all, the best one: (n).
Vector one_scale_errors(TensorView keys) {
  const double scale = keys.cwiseAbs().mean();
  return (keys - scale * sign_code(keys)).rowwise().squaredNorm();
}

Vector key_scale_errors(TensorView keys) {
  return (keys - mmse_code(keys)).rowwise().squaredNorm();
}

void decision(const char* scales, double raw_error, double centred_error, double beta_raw,
              double beta_centred, double eta, double energy, Findings& findings) {
  findings.equal(fmt::format("raw error, {}: E|k|^2 (1 - beta_raw)", scales), raw_error,
                 energy * (1 - beta_raw), kRelative * energy);
  findings.equal(fmt::format("centred error, {}: E|k|^2 (1 - eta)(1 - beta_cen)", scales),
                 centred_error, energy * (1 - eta) * (1 - beta_centred), kRelative * energy);
  const double gain = (raw_error - centred_error) / energy;
  const double excess = beta_centred - (beta_raw - eta) / (1 - eta);
  findings.holds(fmt::format("{}: centring lowers the error just if beta_cen says so", scales),
                 std::abs(gain) <= kRelative || (gain > 0) == (excess > 0));
}

}  // namespace

Vector mean_key(TensorView keys) { return keys.colwise().mean(); }

Tensor without(TensorView keys, VectorView removed) { return keys.rowwise() - removed.transpose(); }

Tensor without_coordinate_means(TensorView keys) {
  const Vector means = keys.rowwise().mean();
  return keys.colwise() - means;
}

double attention_change(TensorView queries, TensorView keys, TensorView other_keys) {
  const double root = std::sqrt(static_cast<double>(keys.cols()));
  Vector changes(queries.rows());
  for (Eigen::Index m = 0; m < queries.rows(); ++m) {
    const Vector query = queries.row(m).transpose() / root;
    changes(m) = largest_size(softmax(keys * query) - softmax(other_keys * query));
  }
  return largest(changes);
}

void shift_keeps_attention(TensorView queries, TensorView keys, VectorView removed,
                           Findings& findings) {
  findings.at_most("max |attention weight - weight without the vector|",
                   attention_change(queries, keys, without(keys, removed)), 1e-13);
}

Tensor correction_table(VectorView mean, const Rotary& rotary, Eigen::Index n) {
  return at_positions(Vector::Ones(n) * mean.transpose(), rotary);
}

void correction_restores_scores(TensorView queries, TensorView keys, VectorView mean,
                                TensorView table, const Rotary& rotary, Findings& findings) {
  const Eigen::Index n = keys.rows();
  const double most = queries.rowwise().norm().maxCoeff() * keys.rowwise().norm().maxCoeff();
  const Tensor centred = at_positions(without(keys, mean), rotary);
  const Tensor corrected = at_positions(queries, rotary) * (centred + table).transpose();
  Tensor exact(queries.rows(), n);
  for (Eigen::Index m = 0; m < queries.rows(); ++m) {
    for (Eigen::Index i = 0; i < n; ++i) {
      const Tensor between = rotary_matrix(rotary, static_cast<double>(i - m));
      exact(m, i) = queries.row(m).dot(between * keys.row(i).transpose());
    }
  }
  findings.at_most("max |corrected score - score| / (|q||k|)",
                   largest_size(corrected - exact) / most, 0, kRelative);
}

double correction_spread(VectorView query, VectorView mean, const Rotary& rotary, Eigen::Index n) {
  const Vector along = correction_table(mean, rotary, n) * query;
  return along.maxCoeff() - along.minCoeff();
}

Vector surviving_shares(VectorView mean, const Rotary& rotary, Eigen::Index n) {
  const Vector left = mean_key(correction_table(mean, rotary, n));
  Vector shares(rotary.frequencies.size());
  for (Eigen::Index j = 0; j < shares.size(); ++j) {
    shares(j) = left.segment(2 * j, 2).squaredNorm() / mean.segment(2 * j, 2).squaredNorm();
  }
  return shares;
}

void shares_by_frequency(VectorView mean, const Rotary& rotary, Eigen::Index n,
                         Findings& findings) {
  const Vector shares = surviving_shares(mean, rotary, n);
  const auto positions = static_cast<double>(n);
  for (Eigen::Index j = 0; j < shares.size(); ++j) {
    const double half = rotary.frequencies(j) / 2;
    const double sum = half == 0 ? positions : std::sin(positions * half) / std::sin(half);
    findings.equal(fmt::format("share that survives at {:.3g} radians a position", 2 * half),
                   shares(j), std::pow(sum / positions, 2), kRelative);
  }
}

Suprema suprema_in_plane(TensorView keys) {
  const auto at = [&](double angle) {
    Tensor rotation(2, 2);
    rotation << std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle);
    const Tensor now = turned(keys, rotation);
    return Suprema{mean_cosine(now), beta_per_key(now), beta_pooled(now)};
  };
  const auto best = [&](double Suprema::*which) {
    double center = 0, step = kPi / 2 / 2000, value = 0;  // a quarter turn only swaps coordinates
    for (int level = 0; level < 3; ++level, step /= 100) {
      const int reach = level == 0 ? 1000 : 100;
      const double start = center;
      for (int i = -reach; i <= reach; ++i) {
        const double here = at(start + i * step).*which;
        if (here > value) {
          value = here;
          center = start + i * step;
        }
      }
    }
    return value;
  };
  return {best(&Suprema::mean_cosine), best(&Suprema::per_key), best(&Suprema::pooled)};
}

Tensor mirror_to_ones(VectorView v) {
  const Eigen::Index d = v.size();
  const Vector target = Vector::Ones(d) / std::sqrt(static_cast<double>(d));
  const Vector across = (v.normalized() - target).normalized();
  return Tensor::Identity(d, d) - 2 * across * across.transpose();
}

double mean_size(double r) {
  return std::sqrt(2 / kPi) * std::exp(-r * r / 2) + r * std::erf(r / std::numbers::sqrt2);
}

double cloud_pooled_ratio(double r) { return std::pow(mean_size(r), 2) / (1 + r * r); }

void cloud_ratios(TensorView keys, VectorView mean, double sigma, Findings& findings) {
  const double r = mean.norm() / (sigma * std::sqrt(static_cast<double>(keys.cols())));
  const Tensor gauge = mirror_to_ones(mean);
  near(findings, "beta_pool, mean along the ones, against g(r)^2 / (1 + r^2)",
       pooled_ratio_of(turned(keys, gauge)), cloud_pooled_ratio(r), 0);
  near(findings, "beta_pool, centred, against 2/pi",
       pooled_ratio_of(turned(without(keys, mean), gauge)), 2 / kPi, 0);
}

void centering_errors(TensorView keys, TensorView raw_gauge, TensorView centred_gauge,
                      Findings& findings) {
  const Vector mean = mean_key(keys);
  const Tensor raw = turned(keys, raw_gauge), centred = turned(without(keys, mean), centred_gauge);
  const double energy = keys.rowwise().squaredNorm().mean(), eta = mean.squaredNorm() / energy;
  decision("a scale per key", key_scale_errors(raw).mean(), key_scale_errors(centred).mean(),
           beta_per_key(raw), beta_per_key(centred), eta, energy, findings);
  decision("one scale", one_scale_errors(raw).mean(), one_scale_errors(centred).mean(),
           beta_pooled(raw), beta_pooled(centred), eta, energy, findings);
}

void gaussian_centering(TensorView keys, VectorView mean, double sigma, TensorView gauge,
                        Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Vector raw = one_scale_errors(turned(keys, gauge));
  const Vector centred = one_scale_errors(turned(without(keys, mean), gauge));
  near(findings, "centred error against d sigma^2 (1 - 2/pi)", mean_of(centred),
       d * sigma * sigma * (1 - 2 / kPi), 0);
  not_below(findings, "raw error - centred error", mean_of(raw - centred), 0);
}

void beats_alignment(TensorView keys, VectorView direction, TensorView gauge, Findings& findings) {
  const Vector cosines = (keys * direction.normalized()).cwiseQuotient(keys.rowwise().norm());
  findings.at_least("mean c(Rk), against the mean cosine with the direction",
                    mean_cosine(turned(keys, gauge)), cosines.mean(), kRelative);
}

GridBest best_mean_cosine_in_space(TensorView keys, int steps_of_half_turn) {
  // Turns about z, y and z again reach every rotation; the last one only up to quarter turns, which
  // swap coordinates. Within half a step in each angle a rotation is within 3/2 steps.
  using Eigen::Matrix3d;
  const double step = kPi / steps_of_half_turn;
  const Eigen::Matrix3Xd normed = keys.rowwise().normalized().transpose();
  std::vector<Matrix3d> about_z, about_y;
  for (int i = 0; i < 2 * steps_of_half_turn; ++i) {
    const double c = std::cos(i * step), s = std::sin(i * step);
    about_z.push_back(Matrix3d{{c, -s, 0}, {s, c, 0}, {0, 0, 1}});
    about_y.push_back(Matrix3d{{c, 0, s}, {0, 1, 0}, {-s, 0, c}});
  }
  const auto half = static_cast<size_t>(steps_of_half_turn);
  double best = 0;
  for (const Matrix3d& first : about_z) {
    for (size_t b = 0; b <= half; ++b) {
      const Eigen::Matrix3Xd inner = about_y[b] * first * normed;
      for (size_t c = 0; 2 * c <= half; ++c) {
        best = worse(best, (about_z[c] * inner).cwiseAbs().sum());
      }
    }
  }
  return {best / (std::sqrt(3.0) * static_cast<double>(keys.rows())), 1.5 * step};
}

}  // namespace rg::theorems
