#include "stats/spearman.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace rg::stats {
namespace {

constexpr double kNoCorrelation = std::numeric_limits<double>::quiet_NaN();

bool has_undefined(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
}

std::vector<size_t> ascending_order(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

// Twice the distance of every unit's mean rank from the middle rank, where unit i stands counts[i]
// times; an integer. `order`: the units by ascending value.
std::vector<double> centred_ranks(std::span<const double> values, std::span<const size_t> order,
                                  std::span<const double> counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> ranks(values.size());
  double below = 0;
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    double equal = 0;
    for (; end < order.size() && values[order[end]] == values[order[first]]; ++end) {
      equal += counts[order[end]];
    }
    // Ranks below + 1 to below + equal; the middle rank is (total + 1) / 2.
    for (; first < end; ++first) ranks[order[first]] = 2 * below + equal - total;
    below += equal;
  }
  return ranks;
}

double weighted_product(std::span<const double> a, std::span<const double> b,
                        std::span<const double> counts) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += counts[i] * a[i] * b[i];
  return sum;
}

// Both quantities, ordered once for all replicates.
class RankedPair {
 public:
  RankedPair(std::span<const double> x, std::span<const double> y)
      : x_(x), y_(y), order_x_(ascending_order(x)), order_y_(ascending_order(y)) {}

  double correlation(std::span<const double> counts) const {
    const std::vector<double> x = centred_ranks(x_, order_x_, counts);
    const std::vector<double> y = centred_ranks(y_, order_y_, counts);
    const double spread = weighted_product(x, x, counts) * weighted_product(y, y, counts);
    return spread == 0 ? kNoCorrelation : weighted_product(x, y, counts) / std::sqrt(spread);
  }

 private:
  std::span<const double> x_, y_;
  std::vector<size_t> order_x_, order_y_;
};

}  // namespace

double spearman(std::span<const double> x, std::span<const double> y) {
  if (has_undefined(x) || has_undefined(y)) return kNoCorrelation;
  return RankedPair(x, y).correlation(std::vector<double>(x.size(), 1.0));
}

Replicates spearman_replicates(const CountTable& table, std::span<const double> x,
                               std::span<const double> y) {
  Replicates result{spearman(x, y), std::vector<double>(table.replicates(), kNoCorrelation)};
  if (has_undefined(x) || has_undefined(y)) return result;
  const RankedPair pair(x, y);
  std::vector<double> counts(x.size());
  for (size_t b = 0; b < result.values.size(); ++b) {
    for (size_t i = 0; i < counts.size(); ++i) {
      counts[i] = static_cast<double>(table.of_unit(i)[b]);
    }
    result.values[b] = pair.correlation(counts);
  }
  return result;
}

std::optional<double> spearman_exact_p(std::span<const double> x, std::span<const double> y) {
  if (x.size() > kMostPermutedUnits || std::isnan(spearman(x, y))) return std::nullopt;
  // The spreads are the same in all permutations, so their products of ranks compare instead.
  const std::vector<double> once(x.size(), 1.0);
  const std::vector<double> ranks_x = centred_ranks(x, ascending_order(x), once);
  const std::vector<double> ranks_y = centred_ranks(y, ascending_order(y), once);
  const double observed = weighted_product(ranks_x, ranks_y, once);
  std::vector<size_t> permutation(x.size());
  std::iota(permutation.begin(), permutation.end(), size_t{0});
  size_t permutations = 0, at_least = 0;
  do {
    double product = 0;
    for (size_t i = 0; i < permutation.size(); ++i) product += ranks_x[i] * ranks_y[permutation[i]];
    ++permutations;
    at_least += product >= observed;
  } while (std::next_permutation(permutation.begin(), permutation.end()));
  return static_cast<double>(at_least) / static_cast<double>(permutations);
}

}  // namespace rg::stats
