#include "readout/key_span.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "linear/decompositions.h"

namespace rg::readout {
namespace {

constexpr double kLeastCondition = 1e-12;  // reciprocal, for Cholesky

uint32_t counted(const linear::Column& values) {
  if (values.size() == 0 || values[0] == 0) return 0;
  return static_cast<uint32_t>((values.array() > kRankTolerance * values[0]).count());
}

// (K S K')^+ right, up to what K S K' can't see: any generalised inverse serves (KR-9). The scaled
// matrix has ones on its diagonal; keys that don't vary are left out.
linear::Matrix solve_keys(const linear::Matrix& inner, const linear::Matrix& right, bool& pseudo) {
  const linear::Column scale =
      inner.diagonal().unaryExpr([](double v) { return v > 0 ? 1 / std::sqrt(v) : 0.0; });
  const linear::Matrix scaled = scale.asDiagonal() * inner * scale.asDiagonal();
  const linear::Matrix target = scale.asDiagonal() * right;
  linear::Matrix factor = scaled;
  const auto solved = linear::solve_positive(factor, target, kLeastCondition);
  pseudo = !solved.has_value();
  if (solved) return scale.asDiagonal() * *solved;
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(scaled);
  const double largest = pairs.values.tail(1)[0];
  const linear::Column inverse =
      pairs.values.unaryExpr([&](double v) { return v > kRankTolerance * largest ? 1 / v : 0.0; });
  return scale.asDiagonal() *
         (pairs.vectors * (inverse.asDiagonal() * (pairs.vectors.transpose() * target)));
}

}  // namespace

std::optional<double> KeySpan::condition() const {
  if (rank == 0) return std::nullopt;
  return values[0] / values[rank - 1];
}

KeySpan key_span(const linear::Matrix& keys) {
  check_internal(keys.rows() >= 1 && keys.cols() >= 1 && keys.allFinite(), "keys are finite");
  const bool wide = keys.rows() <= keys.cols();
  // keys' = q r if wide, else keys = q r: a square core with the same singular values.
  linear::Qr qr{};
  if (wide) {
    qr = linear::thin_qr(keys.transpose());
  } else {
    qr.r = linear::qr_triangle(keys);
  }
  KeySpan out{.keys = static_cast<uint32_t>(keys.rows()),
              .width = static_cast<uint32_t>(keys.cols()),
              .rank = 0,
              .values = linear::singular_values(qr.r),
              .basis = {}};
  out.rank = counted(out.values);
  if (out.rank == qr.r.rows()) {
    out.basis = wide ? qr.q : linear::Matrix::Identity(out.width, out.width);
    return out;
  }
  const linear::Svd svd = linear::thin_svd(qr.r);
  out.basis = wide ? linear::Matrix(qr.q * svd.left.leftCols(out.rank))
                   : linear::Matrix(svd.right.leftCols(out.rank));
  return out;
}

linear::Matrix hidden_part(const KeySpan& span, const linear::Matrix& rows) {
  check_internal(rows.cols() == span.width, "rows as wide as the keys' inputs");
  if (span.rank == span.width) return linear::Matrix::Zero(rows.rows(), rows.cols());
  return rows - (rows * span.basis) * span.basis.transpose();
}

linear::Matrix expert_centred(const linear::Matrix& gate) {
  linear::Matrix out = gate;
  out.rowwise() -= gate.colwise().mean();
  return out;
}

std::optional<InvisibleShare> invisible_share(const KeySpan& span, const linear::Matrix& gate) {
  const linear::Matrix centred = expert_centred(gate);
  const double energy = centred.squaredNorm();
  if (!(energy > 0)) return std::nullopt;
  return InvisibleShare{.eta = hidden_part(span, centred).squaredNorm() / energy,
                        .null = 1 - static_cast<double>(span.rank) / span.width};
}

linear::Column principal_angles(const KeySpan& span, const linear::Matrix& gate) {
  const linear::Svd svd = linear::thin_svd(expert_centred(gate));
  const uint32_t rank = counted(svd.values);
  const uint32_t count = std::min(rank, span.rank);
  if (count == 0) return {};
  const linear::Matrix directions = svd.right.leftCols(rank).transpose();  // (rank, D)
  const linear::Column cosines = linear::singular_values(directions * span.basis);
  // Ascending: of the sines, those of angles at pi/2 that have no partner come last.
  const linear::Column sines = linear::singular_values(hidden_part(span, directions)).reverse();
  linear::Column angles(count);
  for (uint32_t i = 0; i < count; ++i) {
    const double cosine = std::min(cosines[i], 1.0), sine = std::min(sines[i], 1.0);
    angles[i] = sine < std::sqrt(0.5) ? std::asin(sine) : std::acos(cosine);
  }
  return angles;
}

ClosedForm closed_form(const linear::Matrix& sigma, const linear::Matrix& keys,
                       const linear::Matrix& gate) {
  check_internal(
      sigma.rows() == sigma.cols() && keys.cols() == sigma.rows() && gate.cols() == sigma.rows(),
      "shapes of keys, gate and covariance");
  const linear::Matrix centred = expert_centred(gate);
  const linear::Matrix spread = sigma * keys.transpose();  // (D, m)
  const linear::Matrix cross = centred * spread;           // (E, m)
  ClosedForm out{};
  out.readout = solve_keys(keys * spread, cross.transpose(), out.pseudo_inverse).transpose();
  const linear::Matrix all = centred * sigma * centred.transpose();
  out.residual = all - out.readout * cross.transpose();
  out.residual = (out.residual + out.residual.transpose()).eval() / 2;
  if (all.trace() > 0) out.eta = std::max(out.residual.trace(), 0.0) / all.trace();
  return out;
}

}  // namespace rg::readout
