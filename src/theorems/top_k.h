// The sets that routing chooses. Ties go to the lower index.
#pragma once

#include <vector>

#include "theorems/tensors.h"

namespace rg::theorems {

using Set = std::vector<Eigen::Index>;  // ascending

Set top_k(VectorView scores, Eigen::Index k);        // 1 <= k <= scores.size()
Set complement(const Set& set, Eigen::Index total);  // within [0, total)
Eigen::Index common(const Set& a, const Set& b);     // |A and B|
// Smallest score inside minus largest outside: negative if the set isn't a top-k set, NaN if a
// score is NaN.
double set_margin(VectorView scores, const Set& set);

}  // namespace rg::theorems
