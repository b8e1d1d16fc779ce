// The best scalar quantisers of a unit normal variable with 2, 4, 8 and 16 levels: every level is
// the centroid of its cell and every cell ends halfway between levels (Lloyd 1982, written 1957;
// Max 1960, table I). Those conditions have one solution, the normal density being log-concave
// (Fleischer 1964).
#pragma once

#include <cstdint>
#include <span>

namespace rg::keys {

inline constexpr uint32_t kMostBits = 4;

// The positive levels, ascending, 2^(bits - 1) of them; the others are their negatives. To 20
// digits. bits from 1 to kMostBits.
std::span<const double> normal_levels(uint32_t bits);

// The level nearest to x, of two equally near ones the outer; the level of 0, and of -0, is the
// smallest positive one. x finite.
double nearest_level(std::span<const double> positive_levels, double x) noexcept;

}  // namespace rg::keys
