// A proof in fp64 that the rows of K are independent, and how far a vector then is from one that K
// maps to zero exactly. K comes with every row scaled by a power of two, which keeps its kernel.
#pragma once

#include <optional>

#include "certificates/certificate.h"

namespace rg::certificates {

// K' = 2^-exponents K by rows: the largest entry of a row is in [1/2, 1).
struct ScaledKeys {
  Matrix matrix;
  std::vector<int> exponents;
};
ScaledKeys scaled_rows(const Matrix& keys);

// About the inverse of K' K'', symmetric to the bit; of a singular one, not finite or far off.
Matrix approximate_inverse(const Matrix& keys);
// x minus its part in the row space of K', by the approximate inverse; rows of x alike.
Column kernel_part(const Matrix& keys, const Matrix& inverse, const Column& x);
Matrix kernel_rows(const Matrix& keys, const Matrix& inverse, const Matrix& x);

std::vector<double> lower_triangle(const Matrix& symmetric);
Matrix symmetric_of(const std::vector<double>& triangle, Eigen::Index size);

class Enclosure {
 public:
  // |I - K' K'' X|_inf <= defect <= 1/2, proved; none if it isn't.
  static std::optional<Enclosure> of(Matrix keys, const Matrix& inverse);

  double defect() const noexcept { return defect_; }
  const Matrix& keys() const noexcept { return keys_; }

  // A vector with the keys of `like` exactly is within this distance of x (Euclidean):
  // x - K'' (K' K'')^-1 (K' x - K' like).
  double distance(const Column& x, const Column& like) const;
  double distance_to_kernel(const Column& x) const;

 private:
  Enclosure(Matrix keys, Matrix sizes, double defect, double stretch)
      : keys_(std::move(keys)), sizes_(std::move(sizes)), defect_(defect), stretch_(stretch) {}
  double stretched(const Column& residual_bounds) const;

  Matrix keys_, sizes_;  // K', |K'|
  double defect_;
  double stretch_;  // above the spectral norm of (K' K'')^-1
};

double length_bound(const Column& x);

}  // namespace rg::certificates
