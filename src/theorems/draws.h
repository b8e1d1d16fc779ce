// Seeded synthetic tensors, adversarial ones included. Every number is a pure function of the seed,
// the check's id and its place in the order of drawing.
#pragma once

#include <cstdint>
#include <string_view>

#include "theorems/tensors.h"

namespace rg::theorems {

class Draws {
 public:
  Draws(uint64_t seed, std::string_view check_id);

  double uniform();            // in (0, 1), never an end
  double normal();             // mean 0, variance 1
  double sign();               // -1 or +1
  uint32_t below(uint32_t n);  // uniform in [0, n), n >= 1

  Vector normal_vector(Eigen::Index size);
  Tensor normal(Eigen::Index rows, Eigen::Index columns);
  Tensor signs(Eigen::Index rows, Eigen::Index columns);  // keys on the sign lattice
  // `nonzeros` normal entries per row, the rest exactly 0; nonzeros <= columns.
  Tensor sparse(Eigen::Index rows, Eigen::Index columns, Eigen::Index nonzeros);
  // Normal rows around one common mean of length `mean_norm`.
  Tensor cloud(Eigen::Index rows, Eigen::Index columns, double mean_norm);
  // Uniform on the orthogonal group: QR of a normal matrix, signs of R's diagonal fixed.
  Tensor rotation(Eigen::Index size);
  // A signed permutation matrix.
  Tensor signed_permutation(Eigen::Index size);

 private:
  uint32_t word();
  uint64_t seed_;
  uint32_t stream_;
  uint64_t next_ = 0;
};

// Sylvester's Hadamard matrix over sqrt(size): orthogonal; size a power of two.
Tensor hadamard(Eigen::Index size);

}  // namespace rg::theorems
