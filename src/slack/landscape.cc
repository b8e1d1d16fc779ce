// LH on real keys: where a key lies between the sign lattice and the axes, and what a step of
// gradient ascent makes of it.
#include <array>
#include <cmath>

#include "slack/walk.h"
#include "theorems/local_hessian.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr double kStep = 0.5;

// A unit key k = cos(angle) s/sqrt(d) + sin(angle) direction, s its signs.
struct OnGeodesic {
  Vector key, signs, direction;
  double angle, loss;  // loss: 1 - c without cancellation
};

double loss_of(const Vector& unit, const Vector& signs) {
  const double root = std::sqrt(static_cast<double>(unit.size()));
  return (unit - signs / root).squaredNorm() / 2;
}

// None for a key with a coordinate 0, or on the lattice: the theorems leave them out.
std::optional<OnGeodesic> geodesic_of(const Vector& key) {
  if ((key.array() == 0).any()) return std::nullopt;
  OnGeodesic out{.key = key.normalized(), .signs = {}, .direction = {}, .angle = 0, .loss = 0};
  out.signs = theorems::sign_code(key.transpose()).transpose();
  const Vector lattice = out.signs / std::sqrt(static_cast<double>(key.size()));
  const double cosine = out.key.dot(lattice);
  const Vector across = out.key - cosine * lattice;
  const double sine = across.norm();
  if (sine < 1e-12) return std::nullopt;
  out.direction = across / sine;
  out.angle = std::atan2(sine, cosine);
  out.loss = loss_of(out.key, out.signs);
  return out;
}

template <typename Body>
void for_each_geodesic(const HeadSample& sample, Row& row, const Body& body) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    const auto at = geodesic_of(key);
    if (at) {
      body(*at, place);
    } else {
      row.skip_all();
    }
  });
}

void lh_1(const HeadSample& sample, Row& row) {
  for_each_geodesic(sample, row, [&](const OnGeodesic& at, const Place& place) {
    theorems::Findings findings;
    theorems::geodesic_profile(at.signs, at.direction, at.angle, findings);
    row.see(0, case_of(findings.list()[1], kRounding), place);
  });
}

void lh_3(const HeadSample& sample, Row& row) {
  for_each_geodesic(sample, row, [&](const OnGeodesic& at, const Place& place) {
    const double length = theorems::turn_length(theorems::cosine_gradient(at.key));
    const double c = theorems::cos_1bit(at.key), square = length * length;
    row.see(0, {.value = square, .bound = 1 - c * c, .allowance = kRounding}, place);
    row.see(1, {.value = at.loss, .bound = square, .allowance = kRounding}, place);
  });
}

void lh_6(const HeadSample& sample, Row& row) {
  for_each_geodesic(sample, row, [&](const OnGeodesic& at, const Place& place) {
    const Vector next = theorems::after_gradient_step(at.key, kStep);
    const Vector signs = theorems::sign_code(next.transpose()).transpose();
    row.see(0,
            {.value = loss_of(next.normalized(), signs),
             .bound = theorems::step_contraction(kStep) * at.loss,
             .allowance = kRounding},
            place);
  });
}

constexpr Quantity kLh1[] = {{"cosine", Relation::equal, Unit::key}};
constexpr Quantity kLh3[] = {{"gradient", Relation::equal, Unit::key},
                             {"loss", Relation::at_most, Unit::key}};
constexpr Quantity kLh6[] = {{"step", Relation::at_most, Unit::key}};

}  // namespace

std::span<const TheoremCheck> landscape_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"LH-1", kLh1, needs_keys, lh_1, nullptr, nullptr},
      TheoremCheck{"LH-3", kLh3, needs_keys, lh_3, nullptr, nullptr},
      TheoremCheck{"LH-6", kLh6, needs_keys, lh_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
