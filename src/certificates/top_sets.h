// Top-k sets of logits in fp64, with or without bounds of their errors.
#pragma once

#include <cstdint>
#include <vector>

#include "certificates/bounded_logits.h"

namespace rg::certificates {

// The smaller one of the gaps between the k-th and the next logit, of the logits and their
// negatives.
double smaller_gap(const Column& logits, uint32_t top_k);

// The k largest of sign times the logits, equal ones by lower index; and a lower bound of
// sign (s_i - s_j) over i in the set, j outside, s being any numbers within the errors.
struct TopSet {
  std::vector<uint32_t> set;  // ascending
  double slack;
};
TopSet top_set(const BoundedLogits& logits, int sign, uint32_t top_k);

}  // namespace rg::certificates
