// Logits in fp64 of a residual that is known to a distance, with bounds of all errors.
#pragma once

#include "certificates/question.h"

namespace rg::certificates {

struct BoundedLogits {
  Column values, errors;  // (E)
};

// G x of any vector within `distance` (Euclidean) of x.
BoundedLogits bounded_logits(const Matrix& router, const Column& x, double distance);

// Of a router after attention at position 0: G x + G W_O W_V x / rho(x). Errors are infinite if
// rho isn't bounded away from 0.
BoundedLogits bounded_logits(const Matrix& router, const FirstPosition& attention, const Column& x,
                             double distance);

// Whichever of them the question is about; `router` is its own, folded.
BoundedLogits bounded_logits(const Question& question, const Matrix& router, const Column& x,
                             double distance);

}  // namespace rg::certificates
