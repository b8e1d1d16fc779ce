#include "stats/jackknife.h"

#include <cmath>

#include "stats/order.h"

namespace rg::stats {

std::optional<Interval> jackknife_interval(double value, std::span<const double> leave_one_out) {
  constexpr double kStudent19 = 2.093024054408263;
  if (std::isnan(value) || leave_one_out.empty()) return std::nullopt;
  const double centre = mean(leave_one_out);
  double squares = 0;
  for (const double x : leave_one_out) squares += (x - centre) * (x - centre);
  if (std::isnan(squares)) return std::nullopt;
  const auto blocks = static_cast<double>(leave_one_out.size());
  const double half = kStudent19 * std::sqrt((blocks - 1) / blocks * squares);
  return Interval{value - half, value + half};
}

}  // namespace rg::stats
