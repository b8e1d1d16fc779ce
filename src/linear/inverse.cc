#include <Eigen/LU>

#include "linear/decompositions.h"

namespace rg::linear {

Matrix inverse(const Matrix& matrix) { return matrix.inverse(); }

void add_gram(Matrix& gram, const Matrix& panel) {
  gram.selfadjointView<Eigen::Lower>().rankUpdate(panel);
}

}  // namespace rg::linear
