// LH's functions on synthetic tensors.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/local_hessian.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

// A velocity of length 1.
Tensor velocity(Draws& draws, Eigen::Index d) {
  const Tensor square = draws.normal(d, d), skew = square - square.transpose();
  return skew / turn_length(skew);
}

struct Geodesic {
  Vector signs, direction;
};

// From a lattice point: towards a random direction, or in the plane of two coordinates.
Geodesic random_geodesic(Draws& draws, Eigen::Index d) {
  const Vector signs = draws.signs(d, 1), any = draws.normal_vector(d);
  const Vector across = any - signs * (signs.dot(any) / static_cast<double>(d));
  return {signs, across.normalized()};
}

Geodesic plane_geodesic(Draws& draws, Eigen::Index d) {
  const Vector signs = draws.signs(d, 1);
  Vector across = Vector::Zero(d);
  across(0) = signs(0);
  across(1) = -signs(1);
  return {signs, across.normalized()};
}

// From one lattice point to another: the widest region, its limit a quarter of pi. d even.
Geodesic lattice_geodesic(Draws& draws, Eigen::Index d) {
  const Vector signs = draws.signs(d, 1);
  Vector across = signs;
  across.head(d / 2) *= -1;
  return {signs, across.normalized()};
}

bool without_zeros(TensorView keys) { return (keys.array() != 0).all(); }

void check_lh_1(Draws& draws, Findings& findings) {
  for (const Eigen::Index d : {2, 16, 128}) {
    for (const Geodesic& g : {random_geodesic(draws, d), plane_geodesic(draws, d)}) {
      const double limit = region_limit(g.direction);
      for (const double part : {0.01, 0.5, -0.999}) {
        findings.input(fmt::format("d = {}, {:.4f} rad of {:.4f}", d, part * limit, limit));
        geodesic_profile(g.signs, g.direction, part * limit, findings);
      }
    }
  }
  findings.input("past the region, d = 16");
  const Geodesic g = plane_geodesic(draws, 16);
  const double angle = 1.2 * region_limit(g.direction);
  const Vector key = std::cos(angle) * g.signs / 4 + std::sin(angle) * g.direction;
  findings.above("c > cos", cos_1bit(key), std::cos(angle));
}

void check_lh_2(Draws& draws, Findings& findings) {
  for (const Eigen::Index d : {3, 16, 64}) {
    const Geodesic g = random_geodesic(draws, d);
    findings.input(fmt::format("random velocity, d = {}", d));
    lattice_curvature(g.signs, velocity(draws, d), findings);
    const Vector point = g.signs / std::sqrt(static_cast<double>(d));
    findings.input(fmt::format("velocity in a plane with the lattice point, d = {}", d));
    lattice_curvature(g.signs, g.direction * point.transpose() - point * g.direction.transpose(),
                      findings);
    for (const double part : {0.0, 0.5, 0.9}) {
      const double angle = part * region_limit(g.direction);
      findings.input(fmt::format("on a geodesic at {:.4f} rad, d = {}", angle, d));
      geodesic_curvature(g.signs, g.direction, angle, findings);
    }
  }
  findings.input("velocity that leaves the lattice point, d = 16");
  const Vector signs = draws.signs(16, 1);
  const Tensor any = velocity(draws, 16);
  const Tensor off = Tensor::Identity(16, 16) - signs * signs.transpose() / 16;
  lattice_curvature(signs, off * any * off, findings);
  findings.input("all velocities, d = 6");
  lattice_spectrum(draws.signs(6, 1), findings);
}

void check_lh_3(Draws& draws, Findings& findings) {
  const Eigen::Index d = 16;
  const Tensor skew = velocity(draws, d);
  for (const KeySample& sample : key_samples(draws, d)) {
    if (!without_zeros(sample.keys)) continue;
    findings.input(sample.name);
    gradient_identity(sample.keys, skew, findings);
  }
  findings.input("gradient flow of a normal key, d = 16");
  flow_contracts(draws.normal_vector(d), 0.02, 300, findings);
  findings.input("gradient flow of a key with two massive channels, d = 16");
  flow_contracts(massive_channel_keys(draws, 1, d, 2, 100).row(0).transpose(), 0.02, 300, findings);
}

void check_lh_4(Draws& draws, Findings& findings) {
  const Eigen::Index d = 8;
  for (const KeySample& sample : key_samples(draws, d)) {
    const Vector weights = cosine_weights(sample.keys);
    const Itq found = itq(sample.keys, draws.rotation(d), 1000, weights);
    findings.input(sample.name + ", after ITQ");
    findings.holds("ITQ came to a fixed point", found.settled);
    itq_fixed_point(sample.keys, found.rotation, weights, findings);
    if (!without_zeros(turned(sample.keys, found.rotation))) continue;
    second_order_expansion(sample.keys, found.rotation, weights, velocity(draws, d), findings);
    const Tensor before = draws.rotation(d);
    if (!without_zeros(turned(sample.keys, before))) continue;
    findings.input(sample.name + ", in a random gauge");
    second_order_expansion(sample.keys, before, weights, velocity(draws, d), findings);
  }
}

void check_lh_5(Draws& draws, Findings& findings) {
  const Eigen::Index d = 16, n = 5000;
  const Tensor skew = velocity(draws, d), seen = draws.normal(300, d);
  const Itq learned = itq(seen, draws.rotation(d), 30, cosine_weights(seen));
  findings.input("5000 normal keys in a gauge learned from 300 others, d = 16");
  flat_population(turned(draws.normal(n, d), learned.rotation), skew, 0.2, findings);
  findings.input("5000 sign-lattice keys with normal noise of 0.2, d = 16");
  const Tensor clear = draws.signs(n, d) + 0.2 * draws.normal(n, d);
  const Curvature found = population_curvature(clear, skew, 0.2);
  findings.below("-kink / smooth, where signs are clear", -found.kink / found.smooth, 0.1);
}

void check_lh_6(Draws& draws, Findings& findings) {
  findings.input("lengths by the formula");
  findings.equal("way from beta 0.98 to 0.99", way_between(0.98, 0.99), 0.0417, 5e-5);
  findings.equal("way from beta 0.99 to 1", way_between(0.99, 1), 0.1002, 5e-5);
  const Geodesic g = random_geodesic(draws, 32);
  const double limit = region_limit(g.direction);
  findings.input(fmt::format("geodesic with limit {:.4f}, d = 32", limit));
  way_along_geodesic(g.signs, g.direction, 0.9 * limit, 0.1 * limit, findings);
  const Vector key =
      std::cos(0.9 * limit) * g.signs / std::sqrt(32) + std::sin(0.9 * limit) * g.direction;
  for (const double eta : {0.5, 0.2, 0.05})
    gradient_steps(key, eta, 2000, step_contraction, findings);
  for (const double share : {0.3, 0.1, 0.02}) {
    const double delta = share * limit;
    fixed_angle_steps(g.signs, g.direction, 0.9 * limit, delta, findings);
    fixed_angle_steps(g.signs, g.direction, std::floor(0.8 / share) * delta + delta / 2, delta,
                      findings);
  }
  for (const Geodesic& way : {g, lattice_geodesic(draws, 32), plane_geodesic(draws, 32)}) {
    findings.input(
        fmt::format("steps on a geodesic with limit {:.4f}, d = 32", region_limit(way.direction)));
    sharp_contraction(way.signs, way.direction, step_contraction, findings);
  }
  findings.input("a nearly one-hot key, d = 4096");
  contraction_of_one_hot_key(4096, step_contraction, findings);
  findings.input("ITQ on 500 normal keys, d = 16");
  const Tensor keys = draws.normal(500, 16);
  decay_of_search(itq(keys, draws.rotation(16), 400, cosine_weights(keys)).gains, findings);
}

}  // namespace

std::span<const Check> local_hessian_checks() {
  static constexpr std::array kChecks{Check{"LH-1", check_lh_1}, Check{"LH-2", check_lh_2},
                                      Check{"LH-3", check_lh_3}, Check{"LH-4", check_lh_4},
                                      Check{"LH-5", check_lh_5}, Check{"LH-6", check_lh_6}};
  return kChecks;
}

}  // namespace rg::theorems
