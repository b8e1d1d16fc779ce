// The assignment problem by shortest augmenting paths, one row after another. Rows and columns have
// potentials, u and v, with cost(i,j) - u(i) - v(j) >= 0, and 0 where i has j.
#include <algorithm>
#include <limits>

#include "logs/agreement/faults.h"

namespace rg::logs {
namespace {

// Column 0 is a place for the row that is added; rows and columns count from 1.
class Assignment {
 public:
  Assignment(std::span<const int64_t> values, size_t n)
      : values_(values), n_(n), u_(n + 1, 0), v_(n + 1, 0), row_of_(n + 1, 0) {}

  void add(size_t row) {
    distance_.assign(n_ + 1, std::numeric_limits<int64_t>::max());
    before_.assign(n_ + 1, 0);
    done_.assign(n_ + 1, false);
    row_of_[0] = row;
    size_t column = 0;
    while (row_of_[column] != 0) column = next_column(column);
    for (; column != 0; column = before_[column]) row_of_[column] = row_of_[before_[column]];
  }

  std::vector<int32_t> columns() const {
    std::vector<int32_t> columns(n_);
    for (size_t j = 1; j <= n_; ++j) columns[row_of_[j] - 1] = static_cast<int32_t>(j - 1);
    return columns;
  }

 private:
  int64_t cost(size_t i, size_t j) const { return -values_[(i - 1) * n_ + (j - 1)]; }

  // Extends the tree of shortest paths by the nearest column, and moves the potentials.
  size_t next_column(size_t column) {
    done_[column] = true;
    const size_t row = row_of_[column];
    int64_t least = std::numeric_limits<int64_t>::max();
    size_t next = 0;
    for (size_t j = 1; j <= n_; ++j) {
      if (done_[j]) continue;
      const int64_t reduced = cost(row, j) - u_[row] - v_[j];
      if (reduced < distance_[j]) {
        distance_[j] = reduced;
        before_[j] = column;
      }
      if (distance_[j] < least) {
        least = distance_[j];
        next = j;
      }
    }
    for (size_t j = 0; j <= n_; ++j) {
      if (done_[j]) {
        u_[row_of_[j]] += least;
        v_[j] -= least;
      } else {
        distance_[j] -= least;
      }
    }
    return next;
  }

  std::span<const int64_t> values_;
  size_t n_;
  std::vector<int64_t> u_, v_, distance_;
  std::vector<size_t> row_of_, before_;  // by column: its row, the column before it on the path
  std::vector<bool> done_;
};

}  // namespace

std::vector<int32_t> best_assignment(std::span<const int64_t> values, size_t n) {
  Assignment assignment(values, n);
  for (size_t row = 1; row <= n; ++row) assignment.add(row);
  return assignment.columns();
}

}  // namespace rg::logs
