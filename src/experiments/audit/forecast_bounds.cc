#include "experiments/audit/forecast_bounds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

constexpr double kInverseRootTwoPi = 0.39894228040143267794;
constexpr double kVarianceRounding = 1e-12;  // of S_ii + S_jj: a smaller variance is none
constexpr size_t kNormalTerms = 7;           // the first one left out is below 1e-15
constexpr int kCellsPerUnit = 32, kNormalEnd = 9;

// Taylor's series of Phi around the points n / 32 from -9 to 9; the derivatives of the density are
// (-1)^n He_n(x) times it (Hermite's polynomials).
class NormalTable {
 public:
  NormalTable() {
    cells_.reserve(size_t{2} * kNormalEnd * kCellsPerUnit + 1);
    for (int at = -kNormalEnd * kCellsPerUnit; at <= kNormalEnd * kCellsPerUnit; ++at) {
      const double x = static_cast<double>(at) / kCellsPerUnit;
      const double density = kInverseRootTwoPi * stats::pinned_exp(-0.5 * x * x);
      Cell cell{stats::normal_cdf(x)};
      double hermite = 1, before = 0, factor = density;
      for (size_t n = 1; n < kNormalTerms; ++n) {
        factor /= static_cast<double>(n);
        cell[n] = factor * hermite;
        const double next = x * hermite - static_cast<double>(n - 1) * before;
        before = hermite;
        hermite = next;
        factor = -factor;
      }
      cells_.push_back(cell);
    }
  }

  // |x| <= 8.5
  double at(double x) const noexcept {
    const double cell = std::nearbyint(x * kCellsPerUnit);
    const double step = x - cell / kCellsPerUnit;
    const Cell& series =
        cells_[static_cast<size_t>(static_cast<int>(cell) + kNormalEnd * kCellsPerUnit)];
    double value = 0;
    for (size_t n = kNormalTerms; n-- > 0;) value = value * step + series[n];
    return std::clamp(value, 0.0, 1.0);
  }

 private:
  using Cell = std::array<double, kNormalTerms + 1>;
  std::vector<Cell> cells_;
};

const NormalTable& normal_table() {
  static const NormalTable table;
  return table;
}

double tabled(const NormalTable& table, double x) noexcept {
  if (!(x >= -8.5)) return 0;
  return x > 8.5 ? 1.0 : table.at(x);
}

}  // namespace

double tabled_normal_cdf(double x) noexcept { return tabled(normal_table(), x); }

PassBounds::PassBounds(const ChangeLaw& law, uint32_t experts)
    : experts_(experts),
      mean_(law.mean.data(), law.mean.data() + law.mean.size()),
      precision_(size_t{experts} * experts) {
  for (uint32_t i = 0; i < experts; ++i) {
    for (uint32_t j = 0; j < experts; ++j) {
      const double own = law.covariance(i, i) + law.covariance(j, j);
      const double variance = own - 2 * law.covariance(std::max(i, j), std::min(i, j));
      precision_[i * experts_ + j] = variance > kVarianceRounding * own
                                         ? 1 / std::sqrt(variance)
                                         : std::numeric_limits<double>::infinity();
    }
  }
}

double PassBounds::pass(std::span<const float> logits, size_t i, size_t j) const noexcept {
  const double behind = (logits[i] + mean_[i]) - (logits[j] + mean_[j]);
  if (behind == 0 && std::isinf(precision_[i * experts_ + j])) return j < i ? 1 : 0;
  return tabled_normal_cdf(-behind * precision_[i * experts_ + j]);
}

PassBounds::Bounds PassBounds::of(std::span<const float> logits, std::span<const int32_t> ranked,
                                  std::vector<double>& scratch) const {
  const size_t k = ranked.size() - 1;
  const NormalTable& table = normal_table();
  scratch.resize(experts_);
  for (size_t e = 0; e < experts_; ++e) scratch[e] = logits[e] + mean_[e];
  // Experts of the set pass nobody.
  for (size_t rank = 0; rank < k; ++rank) {
    scratch[static_cast<size_t>(ranked[rank])] = -std::numeric_limits<double>::infinity();
  }
  Bounds bounds{.lower = 0, .upper = 0, .pair = 0};
  for (size_t rank = 0; rank < k; ++rank) {
    const auto i = static_cast<size_t>(ranked[rank]);
    const double ahead = logits[i] + mean_[i];
    const double* const precision = precision_.data() + i * experts_;
    for (size_t j = 0; j < experts_; ++j) {
      const double lead = scratch[j] - ahead;
      // A tie that doesn't vary is 0 * infinity.
      const double p = lead == 0 && std::isinf(precision[j]) ? (j < i ? 1.0 : 0.0)
                                                             : tabled(table, lead * precision[j]);
      bounds.lower = std::max(bounds.lower, p);
      bounds.upper += p;
    }
  }
  bounds.upper = std::min(bounds.upper, 1.0);
  bounds.pair = pass(logits, static_cast<size_t>(ranked[k - 1]), static_cast<size_t>(ranked[k]));
  return bounds;
}

}  // namespace rg::experiments
