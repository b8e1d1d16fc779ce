// Level A: an exact kernel vector on rank + 1 columns.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "certificates/columns.h"
#include "certificates/enclosure.h"
#include "certificates/exact_logits.h"
#include "certificates/makers.h"
#include "exact/integers.h"

namespace rg::certificates {
namespace {

constexpr int kMaxScale = 1 << 20;     // nobody's residual; bounds what a check may compute
constexpr double kGapRounding = 1e-9;  // of a stated gap, a share: quotients of rounded numbers

// The keys of z: (m, 1), each over its own power of two.
exact::Integers keys_of(const Matrix& keys, const ExactVector& z) {
  const auto rows = static_cast<size_t>(keys.rows());
  return exact::product(integers(keys, first_numbers(rows), z.columns, Scale::per_row), z.values);
}

// Without the columns where it is zero, the others ascending.
ExactVector without_zeros(const std::vector<uint32_t>& columns, const exact::Integers& values) {
  std::vector<std::pair<uint32_t, size_t>> kept;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (values.sign(i, 0) != 0) kept.emplace_back(columns[i], i);
  }
  std::sort(kept.begin(), kept.end());
  ExactVector out{.columns = {}, .values = exact::Integers(kept.size(), 1)};
  for (size_t i = 0; i < kept.size(); ++i) {
    out.columns.push_back(kept[i].first);
    out.values.copy(i, 0, values, kept[i].second);
  }
  return out;
}

// The vector with K z = 0 on the columns chosen, if there is one for all rows of K.
std::optional<ExactVector> kernel_vector(const Matrix& keys, const Columns& chosen) {
  const size_t rank = chosen.columns.size();
  std::vector<uint32_t> columns = chosen.columns;
  columns.push_back(chosen.extra);
  exact::Integers values(rank + 1, 1);
  if (rank == 0) {
    values.set(0, 0, 1);
  } else {
    const exact::Integers all = integers(keys, chosen.rows, columns, Scale::per_row);
    exact::Integers right_side = all.part(rank, 1);
    right_side.negate();
    const std::optional<exact::Solution> solved = exact::solve(all.part(0, rank), right_side);
    if (!solved) return std::nullopt;
    for (size_t i = 0; i < rank; ++i) values.copy(i, 0, solved->numerators, i);
    values.copy(rank, 0, solved->denominator, 0);
  }
  ExactVector z = without_zeros(columns, values);
  if (!keys_of(keys, z).zero()) return std::nullopt;
  return z;
}

// Experts by sign times their logits, equal ones by lower index.
std::vector<uint32_t> ranked(const exact::RootSums& logits, int sign) {
  std::vector<uint32_t> order = first_numbers(logits.p.rows());
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const int above = sign * logits.compare(a, b);
    return above > 0 || (above == 0 && a < b);
  });
  return order;
}

std::vector<uint32_t> first_of(const std::vector<uint32_t>& order, uint32_t count) {
  std::vector<uint32_t> out(order.begin(), order.begin() + count);
  std::sort(out.begin(), out.end());
  return out;
}

// None if the logits are all equal.
std::optional<ExactCertificate> exact_certificate(const Shape& shape, const ExactVector& z,
                                                  const exact::RootSums& logits) {
  const std::vector<uint32_t> order = ranked(logits, 1), opposite = ranked(logits, -1);
  if (logits.compare(order.front(), order.back()) == 0) return std::nullopt;
  const auto gap = [&](const std::vector<uint32_t>& of) {
    return logits.ratio(of[shape.top_k - 1], of[shape.top_k], of.front(), of.back());
  };
  ExactCertificate out{.shape = shape,
                       .first_position = {},
                       .columns = z.columns,
                       .values = {},
                       .set = first_of(order, shape.top_k),
                       .opposite_set = first_of(opposite, shape.top_k),
                       .set_gap = gap(order),
                       .opposite_gap = gap(opposite)};
  for (size_t i = 0; i < z.columns.size(); ++i) out.values.push_back(z.values.hex(i, 0));
  return out;
}

std::optional<ExactCertificate> certificate_on(const Question& question, const Matrix& keys,
                                               const Matrix& router, const Columns& chosen) {
  const std::optional<ExactVector> z = kernel_vector(keys, chosen);
  if (!z) return std::nullopt;
  const int scale = question.attention ? natural_scale(*z, question.keys.columns) : 0;
  std::optional<ExactCertificate> out =
      exact_certificate(shape_of(question), *z, exact_logits(question, router, *z, scale));
  if (out && question.attention) out->first_position = AtFirstPosition{scale};
  return out;
}

// The vector that a certificate states; empty columns if it isn't one of D integers.
ExactVector stated(const ExactCertificate& certificate) {
  const size_t count = certificate.columns.size();
  ExactVector out{.columns = certificate.columns, .values = exact::Integers(count, 1)};
  bool sound = certificate.values.size() == count;
  for (size_t i = 0; sound && i < count; ++i) {
    sound = certificate.columns[i] < certificate.shape.width &&
            (i == 0 || certificate.columns[i] > certificate.columns[i - 1]) &&
            out.values.set_hex(i, 0, certificate.values[i]);
  }
  if (certificate.first_position) {
    sound = sound && std::abs(certificate.first_position->scale) <= kMaxScale;
  }
  if (!sound) out.columns.clear();
  return out;
}

}  // namespace

Made<ExactCertificate> make_exact(const Question& question) {
  const Shape shape = shape_of(question);
  const Matrix keys = folded(question.keys), router = folded(question.router);
  if (const std::optional<Columns> chosen =
          columns_by_size(scaled_rows(keys).matrix, router, shape.top_k)) {
    std::optional<ExactCertificate> made = certificate_on(question, keys, router, *chosen);
    if (made) return {.certificate = std::move(made), .missing = {}};
  }
  const ColumnsModulo modulo = columns_modulo(keys, router);
  if (modulo.full_rank) return {.certificate = {}, .missing = Missing::keys_determine_input};
  if (!modulo.found) return {.certificate = {}, .missing = Missing::router_in_keys};
  return {.certificate = certificate_on(question, keys, router, *modulo.found),
          .missing = Missing::prime_unlucky};
}

std::string fault_of(const Question& question, const ExactCertificate& certificate) {
  const Shape shape = shape_of(question);
  if (!(certificate.shape == shape)) return "another shape";
  if (certificate.first_position.has_value() != question.attention.has_value()) {
    return "another place of the router";
  }
  const ExactVector z = stated(certificate);
  if (z.columns.empty()) return "no vector of integers";
  if (!keys_of(folded(question.keys), z).zero()) return "its keys are not zero";
  const int scale = certificate.first_position ? certificate.first_position->scale : 0;
  const std::optional<ExactCertificate> again =
      exact_certificate(shape, z, exact_logits(question, folded(question.router), z, scale));
  if (!again) return "its logits are all equal";
  if (again->set != certificate.set || again->opposite_set != certificate.opposite_set) {
    return "other sets";
  }
  const auto differs = [](double stated_gap, double gap) {
    return !(std::abs(stated_gap - gap) <= kGapRounding);
  };
  if (differs(certificate.set_gap, again->set_gap) ||
      differs(certificate.opposite_gap, again->opposite_gap)) {
    return "other gaps";
  }
  return "";
}

}  // namespace rg::certificates
