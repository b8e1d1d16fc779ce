// The orthogonal factor of a square matrix: the rotation R with the largest sum_ij R_ij M_ij
// (orthogonal Procrustes), in fp32 by matrix products, several times faster than by singular
// values.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/product.h"
#include "linear/matrix.h"

namespace rg::keys {

// Newton-Schulz, X <- (3 I - X X') X / 2, scaled by what the least singular value is known to
// exceed (Chen and Chow 2014, "A stable scaling of Newton-Schulz for improving the sign function
// computation of a Hermitian matrix"). Orthogonal to about 1e-6 (orthonormal() makes that exact).
// Along singular values below some 1e-6 of the largest the factor is arbitrary, as far as the sum
// above can tell. Where the iteration doesn't converge (an exact zero among the singular values)
// the decomposition in fp64 takes its place.
class PolarFactor {
 public:
  explicit PolarFactor(uint32_t width);
  linear::Matrix of(const linear::Matrix& matrix);  // (width, width), finite
  int last_rounds() const { return rounds_; }       // of the last call; 0: by singular values

 private:
  uint32_t width_;
  kernels::HeadProduct gram_, apply_;
  kernels::Scratch scratch_;
  std::vector<float> x_, gram_of_x_, next_;
  int rounds_ = 0;
  bool converges();
};

// The same by singular values, fp64.
linear::Matrix nearest_rotation(const linear::Matrix& matrix);
// The nearest orthogonal matrix to one that is orthogonal to 1e-3, in fp64: to rounding.
linear::Matrix orthonormal(const linear::Matrix& nearly_orthogonal);

}  // namespace rg::keys
