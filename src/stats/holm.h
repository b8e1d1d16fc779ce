// Holm's step-down adjustment of p values (Holm 1979): what each would have to be to hold when all
// of them are tested together.
#pragma once

#include <span>
#include <vector>

namespace rg::stats {

// In the given order: of m values ascending, max over i <= j of min(1, (m - i + 1) p_(i)), i from
// 1. A NaN (no p value) counts as 1 and stays NaN.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace rg::stats
