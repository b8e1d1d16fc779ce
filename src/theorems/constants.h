// Constants that several families of checks share.
#pragma once

#include <numbers>

namespace rg::theorems {

inline constexpr double kPi = std::numbers::pi;
inline constexpr double kCeiling = 2 * std::numbers::sqrt2 / kPi;  // 0.9003, of one plane's cosine

// Relative tolerances of fp64 sums over some thousand terms, and over some tens.
inline constexpr double kRelative = 1e-12, kTight = 1e-13;

}  // namespace rg::theorems
