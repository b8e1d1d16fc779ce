// Level B': a real residual, turned within the space that the keys don't see until its set changes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "certificates/bounded_logits.h"
#include "certificates/bounds.h"
#include "certificates/claims.h"
#include "certificates/enclosure.h"
#include "certificates/key_class.h"
#include "certificates/makers.h"
#include "certificates/top_sets.h"

namespace rg::certificates {
namespace {

// How far beyond the tie the pair is turned, as a share of |P g| |P x0|; more if another expert is
// too close to the new boundary.
constexpr double kPushes[] = {1e-6, 1e-5, 1e-4, 1e-3};
constexpr double kRounding = 1e-6;  // of sizes that are recomputed, relative

// G W_O W_V (E, D); empty without attention.
Matrix added_by_attention(const Question& question, const Matrix& router) {
  if (!question.attention) return {};
  const Matrix through = router * folded(question.attention->output);
  return through * repeated(folded(question.attention->values), *question.attention);
}

// What gives the logits of residuals as long as x0.
Matrix router_at_length(const Question& question, const Matrix& router, const Matrix& added,
                        const Column& x0) {
  if (!question.attention) return router;
  const double square = x0.squaredNorm() / static_cast<double>(x0.size());
  return router + added / std::sqrt(square + question.attention->epsilon);
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
std::optional<Witness> witness(const Enclosure& enclosure, const Question& question,
                               const Matrix& router, const KeyClass& members, const Column& x0,
                               const Turn& turn, const std::vector<uint32_t>& old_set) {
  const std::optional<Column> x = members.turned(turn);
  if (!x) return std::nullopt;
  Witness out{
      .x = *x, .direction = members.hidden(*x), .distance = 0, .top = {.set = {}, .slack = 0}};
  out.distance = manifold_distance(enclosure, x0, out.x, out.direction);
  if (!std::isfinite(out.distance)) return std::nullopt;
  const BoundedLogits logits = bounded_logits(question, router, out.x, out.distance);
  out.top = top_set(logits, 1, question.top_k);
  if (!(out.top.slack > 0) || out.top.set == old_set) return std::nullopt;
  return out;
}

std::vector<double> values_of(const Column& x) { return {x.data(), x.data() + x.size()}; }

ManifoldCertificate manifold_certificate(const Question& question, IndependentRows rows,
                                         std::span<const float> x0, const TopSet& old,
                                         const Witness& found, const KeyClass& members,
                                         const Turn& turn) {
  std::optional<AtFirstPosition> place;
  if (question.attention) place = AtFirstPosition{0};
  const Column from = column_of(x0);
  return {.shape = shape_of(question),
          .first_position = place,
          .rows = std::move(rows),
          .x0 = {x0.begin(), x0.end()},
          .x = values_of(found.x),
          .direction = values_of(found.direction),
          .distance = found.distance,
          .set = old.set,
          .other_set = found.top.set,
          .slack = old.slack,
          .other_slack = found.top.slack,
          .leaves = turn.inside,
          .enters = turn.outside,
          .rotation = members.rotation(found.x),
          .relative_change = (found.x - from).norm() / from.norm(),
          .relative_radius = members.relative_radius(),
          .visibility = members.visibility(turn.inside, turn.outside),
          .determined_share = members.determined_share()};
}

bool is_close(double stated, double found) {
  return std::abs(stated - found) <= kRounding * std::abs(found) + 1e-12;
}

// Whether what the certificate says about its change is so.
bool sizes_hold(const ManifoldCertificate& stated, const KeyClass& members, const Column& x0,
                const Column& x) {
  const auto& set = stated.set;
  if (!std::binary_search(set.begin(), set.end(), stated.leaves) ||
      std::binary_search(set.begin(), set.end(), stated.enters)) {
    return false;
  }
  const double pairs =
      static_cast<double>(set.size()) * static_cast<double>(stated.shape.experts - set.size());
  return is_close(stated.rotation, members.rotation(x)) &&
         is_close(stated.relative_change, (x - x0).norm() / x0.norm()) &&
         is_close(stated.relative_radius, members.relative_radius()) &&
         is_close(stated.visibility, members.visibility(stated.leaves, stated.enters)) &&
         // A pair on the edge may be counted either way.
         std::abs(stated.determined_share - members.determined_share()) * pairs < 1.5;
}

}  // namespace

struct ManifoldMaker::Prepared {
  Question question;
  std::vector<int> exponents;
  Matrix inverse, router, added;
  Enclosure enclosure;
};

ManifoldMaker::ManifoldMaker(const Question& question) {
  shape_of(question);  // or RT070
  ScaledKeys keys = scaled_rows(folded(question.keys));
  Matrix inverse = approximate_inverse(keys.matrix);
  std::optional<Enclosure> enclosure = Enclosure::of(std::move(keys.matrix), inverse);
  if (!enclosure) return;
  Matrix router = folded(question.router);
  Matrix added = added_by_attention(question, router);
  prepared_ = std::make_unique<const Prepared>(Prepared{question, keys.exponents,
                                                        std::move(inverse), std::move(router),
                                                        std::move(added), std::move(*enclosure)});
}
ManifoldMaker::~ManifoldMaker() = default;
ManifoldMaker::ManifoldMaker(ManifoldMaker&&) noexcept = default;

Made<ManifoldCertificate> ManifoldMaker::make(std::span<const float> x0) const {
  if (!prepared_) return {.certificate = {}, .missing = Missing::keys_dependent};
  const auto& [question, exponents, inverse, router, added, enclosure] = *prepared_;
  check_internal(x0.size() == question.keys.columns, "a residual has D numbers");
  const Column from = column_of(x0);
  const TopSet old = top_set(bounded_logits(question, router, from, 0), 1, question.top_k);
  if (!(old.slack > 0)) return {.certificate = {}, .missing = Missing::tied};
  const KeyClass members(enclosure.keys(), inverse, router_at_length(question, router, added, from),
                         from, old.set);
  Missing missing = Missing::keys_decide_token;
  for (const double push : kPushes) {
    const std::optional<Turn> turn = members.smallest_turn(push);
    if (!turn) break;
    missing = Missing::within_error;
    const auto found = witness(enclosure, question, router, members, from, *turn, old.set);
    if (!found) continue;
    IndependentRows rows{
        .exponents = exponents, .inverse = lower_triangle(inverse), .defect = enclosure.defect()};
    return {.certificate =
                manifold_certificate(question, std::move(rows), x0, old, *found, members, *turn),
            .missing = {}};
  }
  return {.certificate = {}, .missing = missing};
}

std::vector<std::vector<double>> ManifoldMaker::turned(std::span<const float> x0,
                                                       std::span<const double> pushes) const {
  if (!prepared_) return {};
  const auto& [question, exponents, inverse, router, added, enclosure] = *prepared_;
  check_internal(x0.size() == question.keys.columns, "a residual has D numbers");
  const Column from = column_of(x0);
  const TopSet old = top_set(bounded_logits(question, router, from, 0), 1, question.top_k);
  if (!(old.slack > 0)) return {};
  const KeyClass members(enclosure.keys(), inverse, router_at_length(question, router, added, from),
                         from, old.set);
  std::vector<std::vector<double>> out;
  for (const double push : pushes) {
    const std::optional<Turn> turn = members.smallest_turn(push);
    const std::optional<Column> x = turn ? members.turned(*turn) : std::nullopt;
    if (!x) break;
    out.push_back(values_of(*x));
  }
  return out;
}

Made<ManifoldCertificate> make_on_manifold(const Question& question, std::span<const float> x0) {
  return ManifoldMaker(question).make(x0);
}

std::string fault_of(const Question& question, const ManifoldCertificate& certificate) {
  const Shape shape = shape_of(question);
  if (!(certificate.shape == shape)) return "another shape";
  if (certificate.first_position.has_value() != question.attention.has_value() ||
      (certificate.first_position && certificate.first_position->scale != 0)) {
    return "another place of the router";
  }
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
  const TopSet old = top_set(bounded_logits(question, router, x0, 0), 1, shape.top_k);
  const TopSet now = top_set(bounded_logits(question, router, x, distance), 1, shape.top_k);
  if (!(old.slack > 0) || !(now.slack > 0) || old.set == now.set) return "sets not told apart";
  if (old.set != certificate.set || now.set != certificate.other_set) return "other sets";
  if (!no_more_than(certificate.slack, old.slack) ||
      !no_more_than(certificate.other_slack, now.slack) ||
      !no_more_than(distance, certificate.distance)) {
    return "claims more than holds";
  }
  const Matrix inverse =
      symmetric_of(certificate.rows.inverse, static_cast<Eigen::Index>(shape.keys));
  const Matrix at_length =
      router_at_length(question, router, added_by_attention(question, router), x0);
  const KeyClass members(enclosure->keys(), inverse, at_length, x0, old.set);
  return sizes_hold(certificate, members, x0, x) ? "" : "other sizes of the change";
}

}  // namespace rg::certificates
