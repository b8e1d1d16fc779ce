// What a linear readout can see of the router, from weights alone (KR-2, KR-9). K (m, D): all keys
// of a token stacked; G (E, D): the router; learned gains of the norms before them are folded in by
// the caller. A = C_E G is G minus the mean of its rows: what all experts share moves no route.
#pragma once

#include <cstdint>
#include <optional>

#include "linear/matrix.h"

namespace rg::readout {

// Singular values up to this share of the largest count as 0.
inline constexpr double kRankTolerance = 1e-10;

struct KeySpan {
  uint32_t keys, width;  // m, D
  uint32_t rank;
  linear::Column values;  // singular values of K, descending, min(m, D) of them
  linear::Matrix basis;   // (D, rank), orthonormal columns that span row(K)

  // Largest singular value over the smallest that counts; none for rank 0.
  std::optional<double> condition() const;
};
KeySpan key_span(const linear::Matrix& keys);  // finite, at least one row

// `rows` (n, D) times P, the orthogonal projection on ker K: what keys can't see. Exactly 0 if the
// keys see everything.
linear::Matrix hidden_part(const KeySpan& span, const linear::Matrix& rows);

linear::Matrix expert_centred(const linear::Matrix& gate);  // C_E G

// eta = |A P|_F^2 / |A|_F^2, and its mean over routers that prefer no input direction (KR-9 e):
// 1 - rank / D. Only eta above the null says that the router reads what keys avoid. None if A = 0.
struct InvisibleShare {
  double eta, null;
};
std::optional<InvisibleShare> invisible_share(const KeySpan& span, const linear::Matrix& gate);

// Principal angles between row(A) and row(K) in radians, ascending: min(rank A, rank K) of them.
// From sines where they are below sqrt(1/2), else from cosines, so that small angles keep their
// digits (Bjorck and Golub 1973).
linear::Column principal_angles(const KeySpan& span, const linear::Matrix& gate);

// The best linear readout of keys of inputs with covariance `sigma` (D, D) (KR-9 a, b), for
// centred inputs u: A u is predicted as `readout` K u.
struct ClosedForm {
  linear::Matrix readout;     // (E, m): A S K' (K S K')^+
  linear::Matrix residual;    // (E, E): covariance of A u that keys don't tell
  std::optional<double> eta;  // tr residual / tr(A S A'): 1 - R^2; none where A u doesn't vary
  // K S K', scaled to a unit diagonal, was too ill-conditioned (reciprocal condition number below
  // 1e-12) for Cholesky: a pseudo-inverse without eigenvalues up to 1e-10 of the largest was used.
  bool pseudo_inverse;
};
ClosedForm closed_form(const linear::Matrix& sigma, const linear::Matrix& keys,
                       const linear::Matrix& gate);

}  // namespace rg::readout
