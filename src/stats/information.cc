#include "stats/information.h"

#include "stats/pinned_math.h"

namespace rg::stats {

CountLogs::CountLogs(uint64_t largest) : table_(largest + 1) {
  for (uint64_t n = 0; n <= largest; ++n) table_[n] = x_log_x(static_cast<double>(n));
}

double entropy(std::span<const uint64_t> counts) {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  double sum = 0;
  for (const uint64_t count : counts) {
    if (count > 0) sum -= x_log_x(static_cast<double>(count) / static_cast<double>(total));
  }
  return sum;
}

double mutual_information(std::span<const uint64_t> counts, size_t rows, size_t columns) {
  std::vector<uint64_t> row_sums(rows, 0), column_sums(columns, 0);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      row_sums[r] += counts[r * columns + c];
      column_sums[c] += counts[r * columns + c];
    }
  }
  const double difference = entropy(row_sums) + entropy(column_sums) - entropy(counts);
  return difference < 0 ? 0.0 : difference;
}

}  // namespace rg::stats
