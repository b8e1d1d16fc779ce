#include "certificates/plausibility.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "certificates/claims.h"
#include "linear/decompositions.h"

namespace rg::certificates {
namespace {

constexpr double kLeastVariance = 1e-12;  // of the largest

// (n, D), every column minus its mean.
Matrix centred_rows(std::span<const float> rows, size_t width) {
  const size_t count = rows.size() / width;
  Matrix out(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(width));
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < width; ++j) {
      out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = double{rows[i * width + j]};
    }
  }
  out.rowwise() -= out.colwise().mean().eval();
  return out;
}

}  // namespace

Plausibility plausibility(std::span<const float> rows, std::span<const double> change) {
  check_internal(
      !change.empty() && rows.size() % change.size() == 0 && rows.size() / change.size() >= 2,
      "a sample has two rows or more of the change's width");
  const Matrix sample = centred_rows(rows, change.size());
  const Column d = column_of(change);
  // S = C' C / (n - 1) through C C' = U diag(w) U': its directions are C' u / sqrt(w).
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(sample * sample.transpose());
  const Column seen = sample * d;
  const double freedom = static_cast<double>(sample.rows() - 1);
  double squares = 0, inside = 0, rank = 0;
  for (Eigen::Index i = 0; i < pairs.values.size(); ++i) {
    const double w = pairs.values(i);
    if (!(w > kLeastVariance * pairs.values.maxCoeff())) continue;
    const double along = pairs.vectors.col(i).dot(seen);
    squares += along * along * freedom / (w * w);
    inside += along * along / w;
    ++rank;
  }
  if (rank == 0 || d.squaredNorm() == 0) return {.size = 0, .outside_share = 0};
  return {.size = std::sqrt(squares / (2 * rank)),
          .outside_share = std::max(0.0, 1 - inside / d.squaredNorm())};
}

}  // namespace rg::certificates
