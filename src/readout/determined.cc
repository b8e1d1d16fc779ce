#include "readout/determined.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace rg::readout {
namespace {

constexpr double kSeen = 1e-10;  // |P g| / |g| up to here: rounding
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

linear::Matrix distances(const linear::Matrix& rows) {
  linear::Matrix out = linear::Matrix::Zero(rows.rows(), rows.rows());
  const linear::Matrix columns = rows.transpose();  // contiguous
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    for (Eigen::Index j = 0; j < i; ++j) {
      out(i, j) = out(j, i) = (columns.col(i) - columns.col(j)).norm();
    }
  }
  return out;
}

// Experts by falling logit, ties to the lower index.
std::vector<Eigen::Index> ranked_by(const linear::Column& logits) {
  std::vector<Eigen::Index> order(static_cast<size_t>(logits.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return logits[a] > logits[b]; });
  return order;
}

}  // namespace

PairLengths pair_lengths(const KeySpan& span, const linear::Matrix& gate) {
  return {.whole = distances(gate), .hidden = distances(hidden_part(span, gate))};
}

std::vector<double> boundary_ratios(const PairLengths& pairs, std::span<const int32_t> ranked,
                                    uint32_t top_k) {
  check_internal(ranked.size() % (top_k + 1) == 0, "ranks of every token");
  std::vector<double> out;
  for (size_t at = 0; at < ranked.size(); at += top_k + 1) {
    const int32_t i = ranked[at + top_k - 1], j = ranked[at + top_k];
    if (i < 0 || j < 0 || pairs.whole(i, j) == 0) {
      out.push_back(kUndefined);
      continue;
    }
    const double whole = pairs.whole(i, j), hidden = pairs.hidden(i, j);
    out.push_back(hidden <= kSeen * whole ? std::numeric_limits<double>::infinity()
                                          : whole / hidden);
  }
  return out;
}

std::vector<double> determinacy_slacks(const KeySpan& span, const linear::Matrix& gate,
                                       const PairLengths& pairs, const linear::Matrix& residuals,
                                       double epsilon, uint32_t top_k) {
  const auto k = static_cast<size_t>(top_k);
  check_internal(k >= 1 && top_k < gate.rows(), "experts outside the set");
  const linear::Matrix hidden = hidden_part(span, residuals);  // (n, D)
  const linear::Matrix logits = gate * residuals.transpose();  // (E, n)
  const linear::Matrix seen = gate * (residuals - hidden).transpose();
  std::vector<double> out(static_cast<size_t>(residuals.rows()));
  for (Eigen::Index n = 0; n < residuals.rows(); ++n) {
    const double radius = std::sqrt(hidden.row(n).squaredNorm() + span.width * epsilon);
    const std::vector<Eigen::Index> order = ranked_by(logits.col(n));
    double slack = std::numeric_limits<double>::infinity();
    for (size_t a = 0; a < k; ++a) {
      for (size_t b = k; b < order.size(); ++b) {
        const Eigen::Index i = order[a], j = order[b];
        slack = std::min(slack, seen(i, n) - seen(j, n) - pairs.hidden(i, j) * radius);
      }
    }
    out[static_cast<size_t>(n)] = slack;
  }
  return out;
}

}  // namespace rg::readout
