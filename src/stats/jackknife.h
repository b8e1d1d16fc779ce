// Delete-one-block jackknife over 20 fixed blocks of consecutive windows.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "stats/bootstrap.h"

namespace rg::stats {

inline constexpr size_t kJackknifeBlocks = 20;

// First window of block b; block b ends where b + 1 begins.
constexpr size_t block_begin(size_t block, size_t windows) noexcept {
  return block * windows / kJackknifeBlocks;
}

// value -/+ t_{0.975, 19} * sqrt(19/20 * sum (x_b - mean)^2); none if an entry is NaN.
std::optional<Interval> jackknife_interval(double value, std::span<const double> leave_one_out);

}  // namespace rg::stats
