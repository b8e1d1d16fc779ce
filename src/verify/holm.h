// Holm's step-down adjustment of p values (Holm 1979).
#pragma once

#include <span>
#include <vector>

namespace rg::verify {

// Sorted ascending, the i-th of m p values (i from 0) becomes the largest of (m - j) p_j over
// j <= i, at most 1. In the order of `p`.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace rg::verify
