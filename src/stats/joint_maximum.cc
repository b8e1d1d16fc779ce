#include "stats/joint_maximum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace rg::stats {
namespace {

struct Varying {
  const Replicates* mean;
  double standard_error;
};

// max_q (v_qb - est_q) / se_q of every replicate that defines all of them.
std::vector<double> centred_maxima(std::span<const Varying> varying) {
  std::vector<double> maxima;
  for (size_t b = 0; b < varying[0].mean->values.size(); ++b) {
    double largest = -std::numeric_limits<double>::infinity();
    bool defined = true;
    for (const auto& [mean, standard_error] : varying) {
      const double pivot = (mean->values[b] - mean->estimate) / standard_error;
      defined = defined && !std::isnan(pivot);
      largest = std::max(largest, pivot);
    }
    if (defined) maxima.push_back(largest);
  }
  std::sort(maxima.begin(), maxima.end());
  return maxima;
}

}  // namespace

JointMaximum joint_maximum(std::span<const Replicates> means) {
  constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
  const JointMaximum none{kUndefined, kUndefined, kUndefined, false};
  std::vector<Varying> varying;
  double statistic = -std::numeric_limits<double>::infinity();
  for (const Replicates& mean : means) {
    const double error = standard_error(mean.values);
    if (!(error > kNoSpread)) continue;
    varying.push_back({&mean, error});
    statistic = std::max(statistic, mean.estimate / error);
  }
  if (varying.empty()) return none;
  const std::vector<double> maxima = centred_maxima(varying);
  if (maxima.empty()) return none;
  const auto reached = maxima.end() - std::lower_bound(maxima.begin(), maxima.end(), statistic);
  const double critical = quantile(std::span<const double>(maxima), kUpperEnd);
  return {statistic, critical,
          static_cast<double>(1 + reached) / static_cast<double>(maxima.size() + 1),
          statistic > critical};
}

}  // namespace rg::stats
