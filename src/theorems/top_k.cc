#include "theorems/top_k.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>

#include "theorems/extremes.h"

namespace rg::theorems {

Set top_k(VectorView scores, Eigen::Index k) {
  Set order(static_cast<size_t>(scores.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return scores[a] > scores[b]; });
  order.resize(static_cast<size_t>(k));
  std::sort(order.begin(), order.end());
  return order;
}

Set complement(const Set& set, Eigen::Index total) {
  Set all(static_cast<size_t>(total)), out;
  std::iota(all.begin(), all.end(), Eigen::Index{0});
  std::set_difference(all.begin(), all.end(), set.begin(), set.end(), std::back_inserter(out));
  return out;
}

Eigen::Index common(const Set& a, const Set& b) {
  Set both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<Eigen::Index>(both.size());
}

double set_margin(VectorView scores, const Set& set) {
  double inside = std::numeric_limits<double>::infinity(), outside = -inside;
  for (const Eigen::Index i : set) inside = -worse(-inside, -scores[i]);
  for (const Eigen::Index j : complement(set, scores.size())) outside = worse(outside, scores[j]);
  return inside - outside;
}

}  // namespace rg::theorems
