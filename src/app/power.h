// Windows that a repetition needs for a given power, from an effect seen in a pilot run or assumed,
// by the normal approximation of the bootstrap's interval: power = Phi(z sqrt(m / n) - 1.96) with
// m windows where n gave z standard errors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace rg::app {

struct PowerGoal {
  int percent;
  double distance;  // 1.960 + the goal's normal quantile; 3.242 is that of n_for_90
};
inline constexpr std::array<PowerGoal, 3> kPowerGoals = {{{80, 2.802}, {90, 3.242}, {95, 3.605}}};

// ceil(n (distance / z)^2); none if z is not above 0, or from 9e15 on, where a double is no longer
// an exact count.
std::optional<uint64_t> windows_needed(double windows, double z, const PowerGoal& goal);

}  // namespace rg::app
