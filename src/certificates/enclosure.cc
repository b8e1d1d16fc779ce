#include "certificates/enclosure.h"

#include <cmath>

#include "certificates/bounds.h"
#include "linear/decompositions.h"

namespace rg::certificates {

ScaledKeys scaled_rows(const Matrix& keys) {
  ScaledKeys out{.matrix = keys, .exponents = {}};
  for (Eigen::Index row = 0; row < keys.rows(); ++row) {
    int exponent = 0;
    std::frexp(keys.row(row).cwiseAbs().maxCoeff(), &exponent);
    out.exponents.push_back(exponent);
    out.matrix.row(row) *= std::ldexp(1.0, -exponent);  // a row's span of exponents is below 700
  }
  return out;
}

Matrix approximate_inverse(const Matrix& keys) {
  const Matrix inverse = linear::inverse(keys * keys.transpose());
  return (inverse + inverse.transpose()) / 2;
}

Column kernel_part(const Matrix& keys, const Matrix& inverse, const Column& x) {
  const Column seen = keys * x;
  return x - keys.transpose() * (inverse * seen);
}

Matrix kernel_rows(const Matrix& keys, const Matrix& inverse, const Matrix& x) {
  const Matrix weights = (x * keys.transpose()) * inverse;
  return x - weights * keys;
}

std::vector<double> lower_triangle(const Matrix& symmetric) {
  std::vector<double> out;
  for (Eigen::Index row = 0; row < symmetric.rows(); ++row) {
    for (Eigen::Index column = 0; column <= row; ++column) out.push_back(symmetric(row, column));
  }
  return out;
}

Matrix symmetric_of(const std::vector<double>& triangle, Eigen::Index size) {
  Matrix out(size, size);
  size_t next = 0;
  for (Eigen::Index row = 0; row < size; ++row) {
    for (Eigen::Index column = 0; column <= row; ++column) {
      out(row, column) = out(column, row) = triangle[next++];
    }
  }
  return out;
}

std::optional<Enclosure> Enclosure::of(Matrix keys, const Matrix& inverse) {
  const Eigen::Index m = keys.rows();
  Matrix sizes = keys.cwiseAbs();
  const Matrix gram = keys * keys.transpose();
  const Matrix rest = Matrix::Identity(m, m) - gram * inverse;
  // By rows: what was computed, its own rounding, and what rounding the Gram matrix adds.
  const Column inverse_rows = inverse.cwiseAbs().rowwise().sum();
  const Column seen = sizes.transpose() * inverse_rows;
  const Column bounds = rest.cwiseAbs().rowwise().sum() +
                        gamma(m + 1) * (gram.cwiseAbs() * inverse_rows + Column::Ones(m)) +
                        gamma(keys.cols()) * (sizes * seen);
  const double defect = at_most(bounds.maxCoeff());
  if (!bounds.allFinite() || !(defect <= 0.5)) return std::nullopt;
  const double stretch = at_most(inverse_rows.maxCoeff() / (1 - defect));
  return Enclosure(std::move(keys), std::move(sizes), defect, stretch);
}

double Enclosure::stretched(const Column& residual_bounds) const {
  return at_most(std::sqrt(stretch_ * residual_bounds.squaredNorm()));
}

double Enclosure::distance(const Column& x, const Column& like) const {
  const Column apart = keys_ * x - keys_ * like;
  const Column sizes = sizes_ * (x.cwiseAbs() + like.cwiseAbs());
  return stretched((apart.cwiseAbs() + gamma(keys_.cols() + 2) * sizes).unaryExpr(&at_most));
}

double Enclosure::distance_to_kernel(const Column& x) const {
  return distance(x, Column::Zero(x.size()));
}

double length_bound(const Column& x) { return at_most(x.norm()); }

}  // namespace rg::certificates
