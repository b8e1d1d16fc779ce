// Is some of several means above 0? One test for all of them, by the largest studentised mean: what
// the union of one-sided tests would add to the level is taken off (single-step maxT, Westfall and
// Young 1993, with replicates of the bootstrap centred at the estimates).
#pragma once

#include <span>

#include "stats/bootstrap.h"

namespace rg::stats {

// A standard error up to this is rounding: the mean doesn't vary.
inline constexpr double kNoSpread = 1e-12;

// All NaN, and `holds` false, if no mean varies or no replicate defines all that do.
struct JointMaximum {
  double statistic;  // max_q est_q / se_q
  double critical;   // Quantile_0.975 of M_b = max_q (v_qb - est_q) / se_q
  double p;          // (1 + #{M_b >= statistic}) / (B' + 1)
  bool holds;        // statistic > critical
};

// Of means of values of order 1, all from one table; se_q is the standard deviation of q's
// replicates. Means that don't vary are left out, and so are replicates that don't define every
// mean that does; B' replicates are left.
JointMaximum joint_maximum(std::span<const Replicates> means);

}  // namespace rg::stats
