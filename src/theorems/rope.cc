#include "theorems/rope.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "theorems/extremes.h"
#include "theorems/linear.h"

namespace rg::theorems {
namespace {

Tensor turn(double angle) { return plane_turn(Vector::Constant(1, angle), 0); }

// d diag(gains) x / |x| * sqrt(d): what a norm with learned gains makes of the rows.
Tensor normed(const Tensor& rows, VectorView gains) {
  const double root = std::sqrt(static_cast<double>(rows.cols()));
  return (rows.rowwise().normalized() * root) * gains.asDiagonal();
}

// How much folding changes the keys, relative to the largest coordinate.
double fold_error(TensorView keys, VectorView gains, VectorView angles) {
  const Tensor behind = plane_turn(angles, keys.cols() - 2 * angles.size());
  const Tensor front = gains.cwiseInverse().asDiagonal() * behind * gains.asDiagonal();
  const Tensor wanted = normed(keys, gains) * behind.transpose();
  const Tensor folded = normed(keys * front.transpose(), gains);
  return largest_size(folded - wanted) / largest_size(wanted);
}

}  // namespace

Tensor sylvester_matrix(TensorView a, TensorView b) {
  const Eigen::Index rows = b.rows(), columns = a.rows();
  Tensor out(rows * columns, rows * columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) {
      Tensor x = Tensor::Zero(rows, columns);
      x(i, j) = 1;
      const Tensor image = x * a - b * x;
      out.col(i * columns + j) = image.reshaped<Eigen::RowMajor>();
    }
  }
  return out;
}

void plane_commutant(double angle, Findings& findings) {
  const Tensor step = turn(angle);
  const Vector values = singular_values(sylvester_matrix(step, step));
  findings.equal("2nd singular value of X -> X rot - rot X, against 2|sin|", values[1],
                 2 * std::abs(std::sin(angle)), 1e-12);
  findings.above("2nd singular value: no more than two dimensions", values[1], 1e-12);
  findings.at_most("3rd singular value: no fewer", values[2], 0, 1e-12);
  const Tensor scaled_turn = 0.3 * Tensor::Identity(2, 2) - 1.7 * turn(std::acos(0.0));
  findings.at_most("commutator of aI + bJ", largest_size(scaled_turn * step - step * scaled_turn),
                   0, 1e-12);
}

void no_intertwiner(double phi, double psi, Findings& findings) {
  const Vector values = singular_values(sylvester_matrix(turn(phi), turn(psi)));
  const double expected =
      2 * std::min(std::abs(std::sin((phi - psi) / 2)), std::abs(std::sin((phi + psi) / 2)));
  findings.equal("smallest singular value of X -> X rot(phi) - rot(psi) X", values[3], expected,
                 1e-12);
  findings.above("smallest singular value", values[3], 1e-12);
}

void no_intertwiner_with_rest(double psi, Findings& findings) {
  const Vector values = singular_values(sylvester_matrix(Tensor::Identity(1, 1), turn(psi)));
  findings.equal("smallest singular value of x -> x - rot(psi) x", values[1],
                 2 * std::abs(std::sin(psi / 2)), 1e-12);
  findings.above("smallest singular value", values[1], 1e-12);
}

void cage(const Rotary& rotary, Findings& findings) {
  std::map<double, Eigen::Index> planes;
  Eigen::Index resting = rotary.unrotated;
  for (const double frequency : rotary.frequencies) {
    if (frequency == 0) {
      resting += 2;
    } else {
      ++planes[frequency];
    }
  }
  Eigen::Index squares = 0;
  for (const auto& [frequency, count] : planes) squares += count * count;

  const Tensor step = rotary_matrix(rotary, 1);
  const Tensor commutes = sylvester_matrix(step, step);
  const Eigen::Index d = step.rows();
  Tensor antisymmetric(2 * d * d, d * d);  // commutes, and X + X' = 0
  antisymmetric.topRows(d * d) = commutes;
  antisymmetric.bottomRows(d * d).setIdentity();
  for (Eigen::Index i = 0; i < d; ++i) {
    for (Eigen::Index j = 0; j < d; ++j) antisymmetric(d * d + i * d + j, j * d + i) += 1;
  }
  const auto nullity = [](const Tensor& matrix) {
    return static_cast<double>(matrix.cols() - rank_of(matrix));
  };
  findings.equal("dimension of the commutant", nullity(commutes),
                 static_cast<double>(2 * squares + resting * resting), 0);
  findings.equal("dimension of its antisymmetric part", nullity(antisymmetric),
                 static_cast<double>(squares + resting * (resting - 1) / 2), 0);
}

void fold(const Rotary& rotary, TensorView b, TensorView queries, TensorView keys,
          VectorView positions, Findings& findings) {
  const Tensor a = linear::inverse(b).transpose();
  const Tensor new_queries = queries * a.transpose(), new_keys = keys * b.transpose();
  Vector changes(positions.size());
  for (Eigen::Index n = 0; n < positions.size(); ++n) {
    const Tensor step = rotary_matrix(rotary, positions[n]);
    changes[n] =
        largest_size(new_queries * step * new_keys.transpose() - queries * step * keys.transpose());
  }
  const double size = queries.rowwise().norm().maxCoeff() * keys.rowwise().norm().maxCoeff();
  findings.at_most("max |(Aq)' T (Bk) - q' T k| / (|q| |k|)", largest(changes) / size, 0, 1e-11);
}

void fold_defect(const Rotary& rotary, TensorView b, Findings& findings) {
  const Tensor step = rotary_matrix(rotary, 1), inverse = linear::inverse(b);
  const Tensor commutator = step * b - b * step;
  const double change = spectral_norm(inverse * step * b - step), gap = spectral_norm(commutator);
  const double size = spectral_norm(b), inverse_size = spectral_norm(inverse);
  findings.at_least("largest score change, against |TB - BT| / |B|", change, gap / size,
                    1e-12 * size * inverse_size);
  findings.at_most("largest score change, against |TB - BT| |B^-1|", change, gap * inverse_size,
                   1e-12 * size * inverse_size);
}

void fold_through_gains(TensorView keys, VectorView gains, VectorView angles, Findings& findings) {
  findings.at_most("largest relative change of a key by folding", fold_error(keys, gains, angles),
                   0, 1e-11);
}

void gains_prevent_fold(TensorView keys, VectorView gains, VectorView angles, Findings& findings) {
  findings.above("largest relative change of a key by folding", fold_error(keys, gains, angles),
                 1e-3);
}

}  // namespace rg::theorems
