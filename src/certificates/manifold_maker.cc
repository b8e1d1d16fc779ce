// Level B': a real residual, turned within the space that the keys don't see until its set changes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "certificates/bounds.h"
#include "certificates/claims.h"
#include "certificates/enclosure.h"
#include "certificates/makers.h"
#include "certificates/top_sets.h"

namespace rg::certificates {
namespace {

// How far beyond the tie the pair is turned, as a share of |P g| |P x0|; more if another expert is
// too close to the new boundary.
constexpr double kPushes[] = {1e-6, 1e-5, 1e-4, 1e-3};

// x0 and the router as the kernel of K sees them; P projects on it.
struct Token {
  Column x0, hidden;             // (D): x0, P x0
  Column logits, hidden_logits;  // (E): G x0, G P x0
  Matrix hidden_router;          // (E, D): G P
  Matrix hidden_gram, gram;      // (E, E): G P G', G G'
  double hidden_length;          // |P x0|
  TopSet top;

  double hidden_size(uint32_t i, uint32_t j) const {  // |P (G_i - G_j)|
    return difference_length(hidden_gram, i, j);
  }
  double size(uint32_t i, uint32_t j) const { return difference_length(gram, i, j); }
  static double difference_length(const Matrix& of, uint32_t i, uint32_t j) {
    return std::sqrt(std::max(0.0, of(i, i) + of(j, j) - 2 * of(i, j)));
  }
};

Token token_of(const Matrix& keys, const Matrix& inverse, const Matrix& router, const Column& x0,
               uint32_t top_k) {
  Token out{.x0 = x0,
            .hidden = kernel_part(keys, inverse, x0),
            .logits = router * x0,
            .hidden_logits = {},
            .hidden_router = kernel_rows(keys, inverse, router),
            .hidden_gram = {},
            .gram = router * router.transpose(),
            .hidden_length = 0,
            .top = {.set = {}, .slack = 0}};
  out.hidden_logits = router * out.hidden;
  out.hidden_gram = out.hidden_router * out.hidden_router.transpose();
  out.hidden_length = out.hidden.norm();
  out.top = top_set(bounded_logits(router, x0, 0), 1, top_k);
  return out;
}

struct Turn {
  uint32_t inside, outside;
  double rotation;
};
struct Turns {
  std::optional<Turn> smallest;
  double determined_share;  // of all pairs
};

// KR-10: turning P x0 by an angle in its plane with P g, g = G_i - G_j, makes g' x as small as
// g' (I - P) x0 - |P g| |P x0|.
Turns turns_of(const Token& token, double push) {
  std::vector<bool> inside(static_cast<size_t>(token.logits.size()), false);
  for (const uint32_t i : token.top.set) inside[i] = true;
  Turns out{.smallest = {}, .determined_share = 0};
  double pairs = 0, determined = 0;
  for (const uint32_t i : token.top.set) {
    for (uint32_t j = 0; j < inside.size(); ++j) {
      if (inside[j]) continue;
      ++pairs;
      const double reach = token.hidden_size(i, j) * token.hidden_length;
      const double hidden = token.hidden_logits(i) - token.hidden_logits(j);
      const double seen = token.logits(i) - token.logits(j) - hidden;
      if (!(seen + push * reach < reach)) {
        ++determined;
        continue;
      }
      const double from = std::acos(std::clamp(hidden / reach, -1.0, 1.0));
      const double rotation = std::acos(std::max(-1.0, -seen / reach - push)) - from;
      if (!out.smallest || rotation < out.smallest->rotation) out.smallest = Turn{i, j, rotation};
    }
  }
  out.determined_share = determined / pairs;
  return out;
}

// The part of the new residual in the kernel: P x0 turned towards -P g, at the same length. None
// if P x0 points along P g, which leaves the plane open.
std::optional<Column> turned(const Token& token, const Turn& turn) {
  const Column first = token.hidden / token.hidden_length;
  Column away = token.hidden_router.row(turn.outside) - token.hidden_router.row(turn.inside);
  const double before = away.norm();
  away -= first * first.dot(away);
  away -= first * first.dot(away);
  if (!(away.norm() > 1e-12 * before)) return std::nullopt;
  away.normalize();
  return token.hidden_length * (std::cos(turn.rotation) * first + std::sin(turn.rotation) * away);
}

// x with the keys and the length of x0 again, to rounding; `hidden` is its part in the kernel.
Column corrected(const Matrix& keys, const Matrix& inverse, const Token& token, Column x,
                 const Column& hidden) {
  for (int step = 0; step < 2; ++step) {
    const Column apart = keys * x - keys * token.x0;
    x -= keys.transpose() * (inverse * apart);
    const double longer = (x - token.x0).dot(x + token.x0);
    x -= hidden * (longer / (2 * hidden.squaredNorm()));
  }
  return x;
}

// A vector with exactly the keys and the length of x0 is within this distance of x; `direction` is
// near the kernel. First to the keys, to x1; then along P x1, whose length must become |P x0|:
// their squares differ as |x1|^2 and |x0|^2 do, and |P x1| >= x1' v / |v| for v in the kernel.
double manifold_distance(const Enclosure& enclosure, const Column& x0, const Column& x,
                         const Column& direction) {
  const double to_keys = enclosure.distance(x, x0);
  const double to_kernel = enclosure.distance_to_kernel(direction);
  const double length = length_bound(x), direction_length = length_bound(direction);
  const double squares = x.squaredNorm(), old_squares = x0.squaredNorm();
  const double longer =
      at_most(std::abs(squares - old_squares) + gamma(x.size() + 2) * (squares + old_squares) +
              2 * length * to_keys + to_keys * to_keys);
  const double along = x.dot(direction);
  const double off = at_most(gamma(x.size() + 2) * x.cwiseAbs().dot(direction.cwiseAbs()) +
                             length * to_kernel + to_keys * (direction_length + to_kernel));
  const double least = at_least(at_least(along) - off) / at_most(direction_length + to_kernel);
  if (!(least > 0)) return std::numeric_limits<double>::infinity();
  return at_most(to_keys + at_most(longer / least));
}

struct Witness {
  Column x, direction;
  double distance;
  TopSet top;
};
std::optional<Witness> witness(const Enclosure& enclosure, const Matrix& inverse,
                               const Matrix& router, const Token& token, const Turn& turn,
                               uint32_t top_k) {
  const std::optional<Column> hidden = turned(token, turn);
  if (!hidden) return std::nullopt;
  Witness out{
      .x = corrected(enclosure.keys(), inverse, token, token.x0 - token.hidden + *hidden, *hidden),
      .direction = kernel_part(enclosure.keys(), inverse, *hidden),
      .distance = 0,
      .top = {.set = {}, .slack = 0}};
  out.distance = manifold_distance(enclosure, token.x0, out.x, out.direction);
  if (!std::isfinite(out.distance)) return std::nullopt;
  out.top = top_set(bounded_logits(router, out.x, out.distance), 1, top_k);
  if (!(out.top.slack > 0) || out.top.set == token.top.set) return std::nullopt;
  return out;
}

// RG-6, as a share of |x0|: the smallest (s_i - s_j) / |G_i - G_j|.
double relative_radius(const Token& token) {
  double least = std::numeric_limits<double>::infinity();
  for (const uint32_t i : token.top.set) {
    for (uint32_t j = 0; j < token.logits.size(); ++j) {
      if (std::binary_search(token.top.set.begin(), token.top.set.end(), j)) continue;
      const double size = token.size(i, j);
      if (size > 0) least = std::min(least, (token.logits(i) - token.logits(j)) / size);
    }
  }
  return least / token.x0.norm();
}

ManifoldCertificate manifold_certificate(const Shape& shape, IndependentRows rows,
                                         const Token& token, const Witness& found,
                                         const Turns& turns) {
  const Turn& turn = *turns.smallest;
  ManifoldCertificate out{
      .shape = shape,
      .rows = std::move(rows),
      .x0 = {},
      .x = {found.x.data(), found.x.data() + found.x.size()},
      .direction = {found.direction.data(), found.direction.data() + found.direction.size()},
      .distance = found.distance,
      .set = token.top.set,
      .other_set = found.top.set,
      .slack = token.top.slack,
      .other_slack = found.top.slack,
      .leaves = turn.inside,
      .enters = turn.outside,
      .rotation = turn.rotation,
      .relative_change = (found.x - token.x0).norm() / token.x0.norm(),
      .relative_radius = relative_radius(token),
      .visibility =
          token.size(turn.inside, turn.outside) / token.hidden_size(turn.inside, turn.outside),
      .determined_share = turns.determined_share};
  for (const double value : token.x0) out.x0.push_back(static_cast<float>(value));
  return out;
}

}  // namespace

Made<ManifoldCertificate> make_on_manifold(const Question& question, std::span<const float> x0) {
  const Shape shape = shape_of(question);
  check_internal(x0.size() == shape.width, "a residual has D numbers");
  check_internal(!question.attention, "turning x would turn its value as well");
  ScaledKeys keys = scaled_rows(folded(question.keys));
  const Matrix router = folded(question.router);
  const Matrix inverse = approximate_inverse(keys.matrix);
  const std::optional<Enclosure> enclosure = Enclosure::of(std::move(keys.matrix), inverse);
  if (!enclosure) return {.certificate = {}, .missing = Missing::keys_dependent};
  const Token token = token_of(enclosure->keys(), inverse, router, column_of(x0), shape.top_k);
  if (!(token.top.slack > 0)) return {.certificate = {}, .missing = Missing::tied};
  Missing missing = Missing::keys_decide_token;
  for (const double push : kPushes) {
    const Turns turns = turns_of(token, push);
    if (!turns.smallest) break;
    missing = Missing::within_error;
    const auto found = witness(*enclosure, inverse, router, token, *turns.smallest, shape.top_k);
    if (!found) continue;
    IndependentRows rows{.exponents = keys.exponents,
                         .inverse = lower_triangle(inverse),
                         .defect = enclosure->defect()};
    return {.certificate = manifold_certificate(shape, std::move(rows), token, *found, turns),
            .missing = {}};
  }
  return {.certificate = {}, .missing = missing};
}

std::string fault_of(const Question& question, const ManifoldCertificate& certificate) {
  const Shape shape = shape_of(question);
  if (!(certificate.shape == shape)) return "another shape";
  if (question.attention) return "another place of the router";
  if (certificate.x0.size() != shape.width || !is_column(certificate.x, shape.width) ||
      !is_column(certificate.direction, shape.width)) {
    return "no vector";
  }
  const std::optional<Enclosure> enclosure = stated_rows(question, certificate.rows);
  if (!enclosure) return "rows of the keys not shown to be independent";
  if (!no_more_than(enclosure->defect(), certificate.rows.defect)) return "claims more than holds";
  const Matrix router = folded(question.router);
  const Column x0 = column_of(certificate.x0), x = column_of(certificate.x);
  const double distance = manifold_distance(*enclosure, x0, x, column_of(certificate.direction));
  if (!std::isfinite(distance)) return "no part of it is hidden from the keys";
  const TopSet old = top_set(bounded_logits(router, x0, 0), 1, shape.top_k);
  const TopSet now = top_set(bounded_logits(router, x, distance), 1, shape.top_k);
  if (!(old.slack > 0) || !(now.slack > 0) || old.set == now.set) return "sets not told apart";
  if (old.set != certificate.set || now.set != certificate.other_set) return "other sets";
  if (!no_more_than(certificate.slack, old.slack) ||
      !no_more_than(certificate.other_slack, now.slack) ||
      !no_more_than(distance, certificate.distance)) {
    return "claims more than holds";
  }
  return "";
}

}  // namespace rg::certificates
