// Level B: a kernel vector known to a rigorous distance.
#include <algorithm>
#include <cmath>

#include "certificates/bounds.h"
#include "certificates/claims.h"
#include "certificates/enclosure.h"
#include "certificates/makers.h"
#include "certificates/top_sets.h"

namespace rg::certificates {
namespace {

constexpr double kNothingSeen = 1e-10;  // kernel part of the router's differences over their size

// Root mean square about 1: of a residual that a model might have, and nothing underflows.
Column scaled(const Column& z) {
  int exponent = 0;
  std::frexp(z.norm() / std::sqrt(static_cast<double>(z.size())), &exponent);
  return z * std::ldexp(1.0, -exponent);
}

// Of the kernel parts of single experts' rows, all minus their mean: the one whose logits have the
// widest smaller gap for its length. Zero if all of them are.
Column best_direction(const Matrix& keys, const Matrix& inverse, const Matrix& router,
                      uint32_t top_k) {
  const Matrix centred = router.rowwise() - router.colwise().mean();
  const Matrix parts = kernel_rows(keys, inverse, centred);
  const Matrix logits = router * parts.transpose();  // (E, candidates)
  const double least = kNothingSeen * centred.rowwise().norm().maxCoeff();
  Column best = Column::Zero(keys.cols());
  double widest = 0;
  for (Eigen::Index c = 0; c < parts.rows(); ++c) {
    const double length = parts.row(c).norm();
    if (!(length > least)) continue;
    const double gap = smaller_gap(logits.col(c), top_k) / length;
    if (gap <= widest && best.squaredNorm() > 0) continue;
    widest = gap;
    best = parts.row(c);
  }
  return best;
}

struct Proved {
  double distance;
  TopSet set, opposite;
};
Proved prove(const Enclosure& enclosure, const Question& question, const Column& z) {
  const double distance = enclosure.distance_to_kernel(z);
  const BoundedLogits logits = bounded_logits(question, folded(question.router), z, distance);
  return {.distance = distance,
          .set = top_set(logits, 1, question.top_k),
          .opposite = top_set(logits, -1, question.top_k)};
}

bool holds(const Proved& proved) {
  return proved.set.slack > 0 && proved.opposite.slack > 0 && proved.set.set != proved.opposite.set;
}

}  // namespace

Made<EnclosedCertificate> make_enclosed(const Question& question) {
  const Shape shape = shape_of(question);
  ScaledKeys keys = scaled_rows(folded(question.keys));
  const Matrix router = folded(question.router);
  const Matrix inverse = approximate_inverse(keys.matrix);
  const std::optional<Enclosure> enclosure = Enclosure::of(std::move(keys.matrix), inverse);
  if (!enclosure) return {.certificate = {}, .missing = Missing::keys_dependent};
  if (shape.keys == shape.width) {
    return {.certificate = {}, .missing = Missing::keys_determine_input};
  }
  Column z = best_direction(enclosure->keys(), inverse, router, shape.top_k);
  if (z.squaredNorm() == 0) return {.certificate = {}, .missing = Missing::router_in_keys};
  for (int step = 0; step < 2; ++step) z = kernel_part(enclosure->keys(), inverse, z);
  z = scaled(z);
  const Proved proved = prove(*enclosure, question, z);
  if (!holds(proved)) return {.certificate = {}, .missing = Missing::within_error};
  std::optional<AtFirstPosition> place;
  if (question.attention) place = AtFirstPosition{0};
  return {.certificate = EnclosedCertificate{.shape = shape,
                                             .first_position = place,
                                             .rows = {.exponents = keys.exponents,
                                                      .inverse = lower_triangle(inverse),
                                                      .defect = enclosure->defect()},
                                             .z = {z.data(), z.data() + z.size()},
                                             .distance = proved.distance,
                                             .set = proved.set.set,
                                             .opposite_set = proved.opposite.set,
                                             .slack = proved.set.slack,
                                             .opposite_slack = proved.opposite.slack},
          .missing = {}};
}

std::string fault_of(const Question& question, const EnclosedCertificate& certificate) {
  const Shape shape = shape_of(question);
  if (!(certificate.shape == shape)) return "another shape";
  if (certificate.first_position.has_value() != question.attention.has_value() ||
      (certificate.first_position && certificate.first_position->scale != 0)) {
    return "another place of the router";
  }
  if (!is_column(certificate.z, shape.width)) return "no vector";
  const std::optional<Enclosure> enclosure = stated_rows(question, certificate.rows);
  if (!enclosure) return "rows of the keys not shown to be independent";
  if (!no_more_than(enclosure->defect(), certificate.rows.defect)) return "claims more than holds";
  const Proved proved = prove(*enclosure, question, column_of(certificate.z));
  if (!holds(proved)) return "sets not told apart";
  if (proved.set.set != certificate.set || proved.opposite.set != certificate.opposite_set) {
    return "other sets";
  }
  if (!no_more_than(certificate.slack, proved.set.slack) ||
      !no_more_than(certificate.opposite_slack, proved.opposite.slack) ||
      !no_more_than(proved.distance, certificate.distance)) {
    return "claims more than holds";
  }
  return "";
}

}  // namespace rg::certificates
