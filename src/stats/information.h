// Entropy and mutual information of integer counts, in nats, through a table of n ln n.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::stats {

// f(n) = n ln n for n = 0 .. largest.
class CountLogs {
 public:
  explicit CountLogs(uint64_t largest);
  double operator()(uint64_t n) const noexcept { return table_[n]; }

 private:
  std::vector<double> table_;
};

double entropy(std::span<const uint64_t> counts);  // 0 for no counts
// Of a (rows, columns) table of counts; 0 for an empty one.
double mutual_information(std::span<const uint64_t> counts, size_t rows, size_t columns);

}  // namespace rg::stats
