// Holm's step-down adjustment of several p-values (Holm 1979): no independence is assumed.
#pragma once

#include <span>
#include <vector>

namespace rg::stats {

// Sorted ascending, the i-th of m (from 0) becomes the largest of (m - j) p_(j) for j <= i, at most
// 1. In the order given. An undefined p (NaN) counts as 1 and stays NaN.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace rg::stats
