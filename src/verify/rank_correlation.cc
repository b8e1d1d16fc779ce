#include "verify/rank_correlation.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace rg::verify {
namespace {

constexpr size_t kMostPermuted = 9;

// Twice (rank - mean rank), equal values at the mean of their ranks: an integer.
std::vector<int64_t> doubled_ranks(std::span<const double> values) {
  std::vector<int64_t> ranks;
  for (const double value : values) {
    int64_t rank = -static_cast<int64_t>(values.size());
    for (const double other : values) rank += other < value ? 2 : (other == value ? 1 : 0);
    ranks.push_back(rank);
  }
  return ranks;
}

int64_t product(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  int64_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

std::optional<double> rank_correlation(std::span<const double> x, std::span<const double> y) {
  const std::vector<int64_t> a = doubled_ranks(x);
  const std::vector<int64_t> b = doubled_ranks(y);
  const double spread = static_cast<double>(product(a, a)) * static_cast<double>(product(b, b));
  if (spread == 0) return std::nullopt;
  return static_cast<double>(product(a, b)) / std::sqrt(spread);
}

std::optional<double> permutation_p(std::span<const double> x, std::span<const double> y) {
  if (x.size() > kMostPermuted || !rank_correlation(x, y)) return std::nullopt;
  const std::vector<int64_t> a = doubled_ranks(x);
  std::vector<int64_t> b = doubled_ranks(y);
  const int64_t observed = product(a, b);
  // Every arrangement of equal ranks stands for as many permutations.
  std::sort(b.begin(), b.end());
  uint64_t arrangements = 0;
  uint64_t at_least = 0;
  do {
    ++arrangements;
    if (product(a, b) >= observed) ++at_least;
  } while (std::next_permutation(b.begin(), b.end()));
  return static_cast<double>(at_least) / static_cast<double>(arrangements);
}

std::vector<uint32_t> drawn_runs(uint32_t runs, uint64_t seed, uint32_t replicate, uint32_t layer) {
  std::vector<uint32_t> drawn(runs);
  for (uint32_t i = 0; i < runs; ++i) {
    drawn[i] = draw_below(runs, seed, Purpose::bootstrap, {i, replicate, layer});
  }
  return drawn;
}

}  // namespace rg::verify
