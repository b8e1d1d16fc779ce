// Logits of an exact residual, exactly: for a router after attention they contain a square root.
#pragma once

#include <vector>

#include "certificates/question.h"
#include "exact/integers.h"

namespace rg::certificates {

// A vector of integers on some columns of the residual, ascending: (columns, 1).
struct ExactVector {
  std::vector<uint32_t> columns;
  exact::Integers values;
};

// The s for which 2^s z has a root mean square between 1/4 and 4: then attention counts.
int natural_scale(const ExactVector& z, uint32_t width);

// Logits of 2^scale z but for one positive factor: G z + G W_O W_V z / rho(2^scale z) with the
// attention of the question, G z without.
exact::RootSums exact_logits(const Question& question, const Matrix& router, const ExactVector& z,
                             int scale);

}  // namespace rg::certificates
