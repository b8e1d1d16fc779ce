// LH-6: how much of 1 - c one gradient step leaves, where the bound is attained.
#include <fmt/format.h>

#include <cmath>

#include "theorems/extremes.h"
#include "theorems/local_hessian.h"
#include "theorems/one_bit.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

constexpr double kEtas[] = {0.5, 0.2, 0.05};

// 1 - c without the cancellation near c = 1: half the squared distance to the signs.
double loss_of(VectorView key) {
  const Vector unit = key.normalized();
  const Vector signs = sign_code(unit.transpose()).transpose();
  return (unit - signs / std::sqrt(static_cast<double>(key.size()))).squaredNorm() / 2;
}

double share_left(VectorView key, double eta) {
  return loss_of(after_gradient_step(key, eta)) / loss_of(key);
}

// 1 - c_new <= this times 1 - c: cos(theta - eta sin(theta)) >= c + (eta - eta^2/2) sin(theta)^2.
double exact_contraction(double eta, double cosine) {
  return 1 - eta * (1 - eta / 2) * (1 + cosine);
}

}  // namespace

Vector after_gradient_step(VectorView key, double eta) {
  const Vector unit = key.normalized();
  const Vector signs = sign_code(unit.transpose()).transpose();
  const Vector across = signs / std::sqrt(static_cast<double>(key.size())) - cos_1bit(unit) * unit;
  const double sine = across.norm(), angle = eta * sine;
  return std::cos(angle) * unit + std::sin(angle) / sine * across;
}

void sharp_contraction(VectorView signs, VectorView direction, Contraction contraction,
                       Findings& findings) {
  const double root = std::sqrt(static_cast<double>(signs.size()));
  const double limit = region_limit(direction);
  const auto key_at = [&](double angle) {
    return Vector(std::cos(angle) * signs / root + std::sin(angle) * direction);
  };
  Tightest sharp, stated;
  double worst_turn = 0, off_limit = 0;
  for (const double eta : kEtas) {
    for (const double part : {0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999}) {
      const Vector key = key_at(part * limit), next = after_gradient_step(key, eta);
      const Vector by_matrix = turn_of(eta * cosine_gradient(key)) * key;
      worst_turn = worse(worst_turn, (by_matrix - next).norm());
      const double left = share_left(key, eta);
      sharp.see(left, exact_contraction(eta, cos_1bit(key)));
      stated.see(left, contraction(eta));
    }
    const double at_lattice = share_left(key_at(1e-5), eta);
    off_limit = worse(off_limit, std::abs(at_lattice - std::pow(1 - eta, 2)));
  }
  findings.at_most("e^(eta grad c) k against the turn by eta sin(theta), distance", worst_turn, 0,
                   1e-12);
  findings.at_most("(1 - c) after / before, against 1 - eta (1 - eta/2) (1 + c)", sharp.value(),
                   sharp.bound(), 1e-9);
  findings.at_most("(1 - c) after / before, against the contraction", stated.value(),
                   stated.bound());
  findings.at_most("| (1 - c) after / before - (1 - eta)^2 | at the lattice", off_limit, 0, 1e-6);
  findings.equal("share of the contraction that is left at the lattice, eta = 1/2",
                 share_left(key_at(1e-5), 0.5) / contraction(0.5), 1.0 / 3, 1e-5);
}

void contraction_of_one_hot_key(Eigen::Index d, Contraction contraction, Findings& findings) {
  Vector key = Vector::Constant(d, 1e-9);
  key(0) = 1;
  const double root = std::sqrt(static_cast<double>(d));
  for (const double eta : kEtas) {
    const double left = share_left(key, eta);
    findings.equal(fmt::format("(1 - c) after / before, against 1 - sin(eta), eta = {}", eta), left,
                   1 - std::sin(eta), 1 / root);
    findings.at_most(fmt::format("(1 - c) after / before, against the contraction, eta = {}", eta),
                     left, contraction(eta));
  }
}

}  // namespace rg::theorems
