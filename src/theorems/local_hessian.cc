#include "theorems/local_hessian.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "theorems/constants.h"
#include "theorems/extremes.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

constexpr double kDifference = 1e-5, kStep = 1e-3;

double root_of_size(VectorView v) { return std::sqrt(static_cast<double>(v.size())); }

Vector on_geodesic(VectorView signs, VectorView direction, double angle) {
  return std::cos(angle) * signs / root_of_size(signs) + std::sin(angle) * direction;
}

double beta_at(VectorView signs, TensorView skew, double t) {
  return beta(turn_of(t * skew) * signs / root_of_size(signs));
}

// The skew matrices of length 1 that turn one coordinate plane each.
std::vector<Tensor> plane_velocities(Eigen::Index d) {
  std::vector<Tensor> out;
  for (Eigen::Index i = 0; i < d; ++i) {
    for (Eigen::Index j = i + 1; j < d; ++j) {
      Tensor skew = Tensor::Zero(d, d);
      skew(i, j) = 1;
      skew(j, i) = -1;
      out.push_back(skew);
    }
  }
  return out;
}

}  // namespace

Tensor turn_of(TensorView skew) { return linear::exponential(skew); }

double turn_length(TensorView skew) { return skew.norm() / std::sqrt(2); }

double region_limit(VectorView direction) {
  return std::atan(1 / (root_of_size(direction) * direction.lpNorm<Eigen::Infinity>()));
}

void geodesic_profile(VectorView signs, VectorView direction, double angle, Findings& findings) {
  const double c = cos_1bit(on_geodesic(signs, direction, angle));
  findings.below("angle, against the limit of its region", std::abs(angle),
                 region_limit(direction));
  findings.equal("c = cos", c, std::cos(angle), kTight);
  findings.equal("beta = cos^2", c * c, std::pow(std::cos(angle), 2), kTight);
  findings.equal("1 - beta = sin^2", 1 - c * c, std::pow(std::sin(angle), 2), kTight);
}

void geodesic_curvature(VectorView signs, VectorView direction, double angle, Findings& findings) {
  const double step = std::min(kStep, (region_limit(direction) - std::abs(angle)) / 2);
  const auto at = [&](double t) { return beta(on_geodesic(signs, direction, t)); };
  const double here = at(angle);
  const double curvature = (at(angle + step) - 2 * here + at(angle - step)) / (step * step);
  findings.equal("beta'' = -2 cos(2 angle)", curvature, -2 * std::cos(2 * angle), 2 * kDifference);
  findings.equal("beta'' = -2 (2 beta - 1)", curvature, -2 * (2 * here - 1), 2 * kDifference);
}

void lattice_curvature(VectorView signs, TensorView skew, Findings& findings) {
  const double step = kStep / turn_length(skew);
  const double found =
      (beta_at(signs, skew, step) - 2 * beta_at(signs, skew, 0) + beta_at(signs, skew, -step)) /
      (step * step);
  const double expected = -2 * (skew * signs).squaredNorm() / static_cast<double>(signs.size());
  const double rounding = 1e-15 / (step * step);
  findings.equal("second difference of beta = -2 |A k0|^2", found, expected,
                 kDifference * std::abs(expected) + rounding);
  findings.at_most("second difference of beta <= 0", found, 0, rounding);
}

void lattice_spectrum(VectorView signs, Findings& findings) {
  const Eigen::Index d = signs.size();
  check_internal(d <= 10, "a Hessian of few planes");
  const std::vector<Tensor> basis = plane_velocities(d);
  const auto size = static_cast<Eigen::Index>(basis.size());
  const auto both = [&](TensorView skew) {
    return beta_at(signs, skew, kStep) + beta_at(signs, skew, -kStep);
  };
  Eigen::MatrixXd hessian(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) {
      const Tensor &a = basis[static_cast<size_t>(i)], &b = basis[static_cast<size_t>(j)];
      hessian(i, j) = hessian(j, i) = (both(a + b) - both(a - b)) / (4 * kStep * kStep);
    }
  }
  const Vector values = linear::symmetric_eigenpairs(hessian).values;
  findings.at_most("lowest d - 1 eigenvalues: max |m + 2|",
                   largest_size(values.head(d - 1).array() + 2), 0, kDifference);
  findings.at_most("the other (d - 1)(d - 2) / 2: max |m|", largest_size(values.tail(size - d + 1)),
                   0, kDifference);
}

Tensor cosine_gradient(VectorView key) {
  const Vector unit = key.normalized();
  const Vector signs = sign_code(unit.transpose()).transpose();
  return (signs * unit.transpose() - unit * signs.transpose()) / root_of_size(key);
}

void gradient_identity(TensorView keys, TensorView skew, Findings& findings) {
  const Vector c = cosines_1bit(keys);
  Vector of_c(keys.rows()), of_beta(keys.rows()), slack(keys.rows()), slope(keys.rows());
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const Vector key = keys.row(n).normalized();
    const Tensor gradient = cosine_gradient(key);
    const double square = std::pow(turn_length(gradient), 2), beta_here = c(n) * c(n);
    of_c(n) = square - (1 - beta_here);
    of_beta(n) = 4 * beta_here * square - 4 * beta_here * (1 - beta_here);
    slack(n) = square - (1 - c(n));
    // Half as far as the first sign change to first order, and no further than kStep.
    const Vector speed = (skew * key).cwiseAbs();
    const double step = 0.5 * std::min(kStep, least(key.cwiseAbs().cwiseQuotient(speed)));
    const double difference =
        (cos_1bit(turn_of(step * skew) * key) - cos_1bit(turn_of(-step * skew) * key)) / (2 * step);
    const double product = gradient.cwiseProduct(skew).sum() / 2;
    // The difference's own rounding is 1e-16 / step, a step from a coordinate near 0 is short.
    const double scale = turn_length(gradient) * turn_length(skew);
    slope(n) = std::abs(difference - product) - kDifference * scale - 1e-15 / step;
  }
  findings.at_most("max ||grad c|^2 - (1 - c^2)|", largest_size(of_c), 0, kRelative);
  findings.at_most("max ||grad beta|^2 - 4 beta (1 - beta)|", largest_size(of_beta), 0, kRelative);
  findings.at_least("min |grad (1 - c)|^2 - (1 - c)", least(slack), 0, kRelative);
  findings.at_most("max |difference - <grad c, A>| beyond 1e-5 relative", largest(slope), 0);
}

void flow_contracts(VectorView key, double step, int steps, Findings& findings) {
  Vector now = key.normalized();
  const Tensor signs = sign_code(now.transpose());
  const double start = 1 - cos_1bit(now);
  double worst = 0;
  for (int i = 1; i <= steps; ++i) {
    now = turn_of(step * cosine_gradient(now)) * now;
    worst = worse(worst, (1 - cos_1bit(now)) / (start * std::exp(-i * step)));
  }
  findings.at_most("max over time of loss / (start e^-t)", worst, 1);
  findings.holds("no sign changes", sign_code(now.transpose()) == signs);
}

Tensor critical_matrix(TensorView keys, TensorView rotation, VectorView weights) {
  return sign_moment(keys, rotation, weights) * rotation.transpose() /
         static_cast<double>(keys.rows());
}

void second_order_expansion(TensorView keys, TensorView rotation, VectorView weights,
                            TensorView skew, Findings& findings) {
  const Tensor now = turned(keys, rotation), moment = critical_matrix(keys, rotation, weights);
  const double root = std::sqrt(static_cast<double>(keys.cols()));
  const double n = static_cast<double>(keys.rows());
  const Tensor speed = turned(now, skew).cwiseAbs();
  const Vector times = now.cwiseAbs().cwiseQuotient(speed).rowwise().minCoeff();
  const double step = 0.5 * std::min(kStep, least(times));
  const Tensor there = turned(now, turn_of(step * skew)), back = turned(now, turn_of(-step * skew));
  // Coordinate by coordinate, so that what cancels does so before the sum rounds it.
  const Tensor first = there.cwiseAbs() - back.cwiseAbs();
  const Tensor second = (there.cwiseAbs() - now.cwiseAbs()) + (back.cwiseAbs() - now.cwiseAbs());
  const double slope = weights.dot(first.rowwise().sum()) / (2 * step * n * root);
  const double curvature = weights.dot(second.rowwise().sum()) / (step * step * n * root);
  const double slope_formula = skew.cwiseProduct(moment).sum() / root;
  const Eigen::MatrixXd symmetric = (moment + moment.transpose()) / 2;
  const double curvature_formula = (skew * skew * symmetric).trace() / root;
  const double scale = moment.norm() * turn_length(skew) / root;
  // What rounding leaves of differences of F over a step that a coordinate near 0 keeps short.
  const double rounding = 0x1p-51 * weights.dot(one_norms(now)) / (n * root);
  findings.equal("first difference = tr(AM') / sqrt(d)", slope, slope_formula,
                 kDifference * scale + rounding / step);
  findings.equal("second difference = tr(A^2 M) / sqrt(d)", curvature, curvature_formula,
                 kDifference * scale * turn_length(skew) + rounding / (step * step));
  const linear::Eigenpairs eigen = linear::symmetric_eigenpairs(symmetric);
  const Eigen::MatrixXd inside = eigen.vectors.transpose() * skew * eigen.vectors;
  const Vector& m = eigen.values;
  const Tensor sums = m.replicate(1, m.size()) + m.transpose().replicate(m.size(), 1);
  findings.equal("tr(A^2 M) = -1/2 sum (m_i + m_j) A_ij^2", curvature_formula,
                 -0.5 / root * sums.cwiseProduct(inside.cwiseAbs2()).sum(),
                 kRelative * scale * turn_length(skew));
}

void itq_fixed_point(TensorView keys, TensorView rotation, VectorView weights, Findings& findings) {
  const Eigen::MatrixXd moment = critical_matrix(keys, rotation, weights);
  findings.at_most("|M - M'|_F / |M|_F", (moment - moment.transpose()).norm() / moment.norm(), 0,
                   1e-8);
  const Eigen::MatrixXd symmetric = (moment + moment.transpose()) / (2 * moment.norm());
  const Vector m = linear::symmetric_eigenvalues(symmetric);
  const double low = m(0) + m(1), high = m(m.size() - 1) + m(m.size() - 2);
  findings.at_least("least eigenvalue of M / |M|_F", m(0), 0, 1e-10);
  findings.at_least("inverse condition number min (m_i + m_j) / max (m_i + m_j), i != j",
                    low / high, 0, 2e-10);
}

}  // namespace rg::theorems
