// Products of one set of keys with many d x d matrices, by oneDNN. Keys are cut into blocks of a
// fixed number of rows that fit the cache, padded with zero rows, and packed once; a block's
// results are fp32, what is summed over blocks is fp64, block by block. So results depend on the
// keys, the matrix and d alone, never on threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/product.h"
#include "linear/matrix.h"

namespace rg::keys {

// Rows of a block: the multiple of 64 below 131072 / d, from 64 to 1024.
uint32_t block_rows_of(uint32_t width);

std::vector<float> row_major(const linear::Matrix& matrix);  // rounded to fp32

// One caller at a time.
class PackedKeys {
 public:
  enum class Use { turn, turn_and_moments };  // the second packs the keys twice
  // rows (n, width), row-major; copied.
  PackedKeys(std::span<const float> rows, uint32_t width, Use use);
  ~PackedKeys();
  PackedKeys(PackedKeys&&) noexcept;
  PackedKeys& operator=(PackedKeys&&) noexcept;

  uint32_t rows() const { return rows_; }
  uint32_t width() const { return width_; }
  uint32_t block_rows() const { return block_rows_; }
  uint32_t blocks() const { return blocks_; }
  uint32_t first_row(uint32_t block) const { return block * block_rows_; }
  uint32_t rows_in(uint32_t block) const;
  size_t bytes() const;  // of the packed keys

  // turned (width, block_rows) = matrix (width, width) times the block's keys as columns; columns
  // from rows_in on are 0.
  void turn(uint32_t block, std::span<const float> matrix, std::span<float> turned) const;
  // moment (width, width) += coefficients (width, block_rows) times the block's keys as rows. Needs
  // Use::turn_and_moments.
  void add_moment(uint32_t block, std::span<const float> coefficients,
                  linear::Matrix& moment) const;

 private:
  struct Packing;
  uint32_t rows_, width_, block_rows_, blocks_;
  std::unique_ptr<Packing> packing_;
};

// sum k k' over the keys, (d, d), symmetric. Needs Use::turn_and_moments.
linear::Matrix second_moments(const PackedKeys& keys);

}  // namespace rg::keys
