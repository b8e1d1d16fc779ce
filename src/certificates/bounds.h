// Rigorous bounds in fp64. Rounding model: IEEE 754 double, to nearest, no flushing of subnormals.
// A sum of n products, in any order, with or without fused operations, is off by at most
// gamma_n = n u / (1 - n u) times the sum of absolute products, u = 2^-53 (Higham 2002, section
// 3.1), and 2^-1074 for each product that underflows.
#pragma once

#include "linear/matrix.h"

namespace rg::certificates {

inline constexpr double kUnit = 0x1p-53;

// An upper bound of gamma_n for n <= 2^20, whatever is rounded here.
inline double gamma(Eigen::Index n) noexcept {
  return static_cast<double>(n) * kUnit * (1 + 0x1p-30);
}

// From a number that is not negative and was computed from such numbers by at most 2^20 sums,
// products, quotients and roots one after the other: a bound of the number itself.
inline double at_most(double computed) noexcept { return computed * (1 + 0x1p-29) + 0x1p-1000; }
// From a difference of two fp64 numbers: a lower bound, if it is positive; else some number <= 0
// or within 2^-1000 of it.
inline double at_least(double difference) noexcept {
  return difference * (1 - 0x1p-29) - 0x1p-1000;
}

}  // namespace rg::certificates
