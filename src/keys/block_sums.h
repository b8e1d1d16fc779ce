// Sums over a block of turned keys (d, block_rows), row i holding coordinate i of every key: fp64,
// in an order that depends on the shape alone. Loops go over kLanes values at a time through local
// arrays: that is what compilers turn into vectors without further flags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rg::keys {

inline constexpr size_t kLanes = 16;  // divides the rows of a block

// Of every key of the block: |y|_1 and |y|_2^2, coordinates in ascending order. (block_rows) each.
struct BlockNorms {
  std::vector<double> one, squared;
};
void norms_of_block(std::span<const float> turned, BlockNorms& norms);  // sized by the caller

double sum_of_sizes(std::span<const float> values);    // |x|, of any number of values
double sum_of_squares(std::span<const float> values);  // x^2

// The signs of `turned` times the weight of their key, none negative, in place; the sign of zero is
// +1, that of -0 too.
void put_weighted_signs(std::span<float> turned, std::span<const float> weights);

}  // namespace rg::keys
