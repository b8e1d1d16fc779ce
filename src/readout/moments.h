// Means and second moments of many columns (features of tokens and logits side by side), streamed:
// rows come in one fixed order and are gone afterwards. Products of kMomentRows rows are fp32
// (oneDNN) about a shift, the mean of the first block; what is summed over blocks is fp64, block by
// block. The result depends on the rows and their order alone, not on how calls cut them or on
// threads. Rounding: about 1e-7 of sqrt(S_ii S_jj) in S_ij.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "linear/matrix.h"

namespace rg::readout {

inline constexpr uint32_t kMomentRows = 256;

struct Columns {
  uint32_t begin, end;
  uint32_t count() const { return end - begin; }
};

struct SecondMoments {
  uint64_t rows;
  linear::Column mean;        // (columns)
  linear::Matrix covariance;  // (columns, columns), symmetric, divisor `rows`

  auto of(Columns down, Columns across) const {  // a view
    return covariance.block(down.begin, across.begin, down.count(), across.count());
  }
};

class MomentSums {
 public:
  MomentSums(uint32_t columns, int threads);
  ~MomentSums();
  // What an object holds, result included: 8 bytes for every pair of columns (rounded up to 128),
  // 1 kB for every column, and 64 kB a thread: 540 MB for 8192 columns.
  static size_t bytes(uint32_t columns, int threads);

  void add(std::span<const float> rows);  // (n, columns), row-major, finite
  SecondMoments finish();                 // once, last; at least one row

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rg::readout
