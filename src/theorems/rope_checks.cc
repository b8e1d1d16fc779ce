#include <array>
#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"
#include "theorems/rope.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

// Keys of the given radii (one a plane), every phase uniform of its own: (n, 2 planes).
Tensor uniform_phases(Draws& draws, Eigen::Index n, const Vector& radii) {
  Tensor out(n, 2 * radii.size());
  for (Eigen::Index row = 0; row < n; ++row) {
    for (Eigen::Index j = 0; j < radii.size(); ++j) {
      const double phase = 2 * kPi * draws.uniform();
      out(row, 2 * j) = radii[j] * std::cos(phase);
      out(row, 2 * j + 1) = radii[j] * std::sin(phase);
    }
  }
  return out;
}

// Every row turned by one phase of its own, common to all planes.
Tensor common_shifts(Draws& draws, const Tensor& keys) {
  Tensor out(keys.rows(), keys.cols());
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    const Vector angles = Vector::Constant(keys.cols() / 2, 2 * kPi * draws.uniform());
    out.row(n) = keys.row(n) * plane_turn(angles, 0).transpose();
  }
  return out;
}

Vector unequal_radii(Eigen::Index planes) {
  Vector out(planes);
  for (Eigen::Index j = 0; j < planes; ++j) out[j] = 4 * std::pow(0.6, static_cast<double>(j));
  return out;
}

// a + ib in every plane: what standard RoPE commutes with.
Tensor complex_scalings(Draws& draws, Eigen::Index planes) {
  Tensor out = Tensor::Zero(2 * planes, 2 * planes);
  for (Eigen::Index j = 0; j < planes; ++j) {
    const double size = std::exp(0.5 * draws.normal()), angle = 2 * kPi * draws.uniform();
    out.block<2, 2>(2 * j, 2 * j) = size * plane_turn(Vector::Constant(1, angle), 0);
  }
  return out;
}

void check_rc_1(Draws& draws, Findings& findings) {
  findings.input("quarter turn");
  plane_commutant(kPi / 2, findings);
  findings.input("random angle");
  plane_commutant(0.1 + 3 * draws.uniform(), findings);
  findings.input("slowest plane of a base-10^6 schedule");
  plane_commutant(1.2e-6, findings);
  findings.input("almost a half turn");
  plane_commutant(kPi - 1e-5, findings);
}

void check_rc_2(Draws& draws, Findings& findings) {
  findings.input("two random angles");
  no_intertwiner(3 * draws.uniform(), 4 * draws.uniform() + 0.01, findings);
  findings.input("two slow planes");
  no_intertwiner(1.2e-4, 1e-4, findings);
  findings.input("a resting coordinate and a slow plane");
  no_intertwiner_with_rest(1e-4, findings);
  findings.input("opposite angles");
  const double phi = 0.2 + 2 * draws.uniform();
  const Tensor forth = plane_turn(Vector::Constant(1, phi), 0);
  const Tensor reflection = Tensor{{1, 0}, {0, -1}};
  findings.at_most("X rot(phi) - rot(-phi) X for a reflection X",
                   (reflection * forth - forth.transpose() * reflection).norm(), 0, 1e-12);
}

void check_rc_3(Draws&, Findings& findings) {
  findings.input("standard schedule, d = 16");
  cage({.frequencies = standard_frequencies(8, 1e4), .unrotated = 0}, findings);
  findings.input("partial RoPE: two planes, 6 coordinates at rest");
  cage({.frequencies = standard_frequencies(2, 1e4), .unrotated = 6}, findings);
  findings.input("repeated frequencies, as in two-dimensional RoPE");
  cage({.frequencies = Vector{{1.0, 0.01, 1.0, 0.01, 0.3, 1.0}}, .unrotated = 0}, findings);
  findings.input("repeated and zero frequencies, one coordinate at rest");
  cage({.frequencies = Vector{{0.7, 0.0, 0.7, 0.002, 0.0}}, .unrotated = 1}, findings);
}

void check_rc_4(Draws& draws, Findings& findings) {
  const Tensor queries = draws.normal(20, 16), keys = draws.cloud(30, 16, 10);
  Vector positions(12);
  for (double& position : positions) position = std::floor(8192 * draws.uniform());
  positions[0] = 0;
  const Rotary standard{.frequencies = standard_frequencies(8, 1e4), .unrotated = 0};
  findings.input("turned and scaled planes, standard schedule");
  const Tensor member = complex_scalings(draws, 8);
  fold(standard, member, queries, keys, positions, findings);
  fold_defect(standard, member, findings);
  findings.input("any invertible matrix on coordinates at rest");
  Tensor partial = Tensor::Identity(16, 16);
  partial.topLeftCorner(4, 4) = complex_scalings(draws, 2);
  partial.bottomRightCorner(12, 12) = draws.normal(12, 12);
  fold({.frequencies = standard_frequencies(2, 1e4), .unrotated = 12}, partial, queries, keys,
       positions, findings);
  findings.input("random rotation, outside the commutant");
  const Tensor outside = draws.rotation(16);
  fold_defect(standard, outside, findings);
  const Tensor step = rotary_matrix(standard, 1);
  findings.above("|TB - BT|_F", (step * outside - outside * step).norm(), 0.1);
}

void check_rc_5(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(40, 8);
  const Vector angles = draws.normal_vector(4);
  findings.input("one magnitude a plane, mixed signs");
  const Vector even{{1.5, -1.5, 0.2, 0.2, 3, 3, -0.7, -0.7}};
  fold_through_gains(keys, even, angles, findings);
  findings.input("unequal gains, half turns only");
  const Vector uneven{{1.5, 0.5, 0.2, 0.9, 3, 1, -0.7, 0.1}};
  fold_through_gains(keys, uneven, Vector{{kPi, 0, -kPi, kPi}}, findings);
  findings.input("unequal gains in one plane of four");
  Vector one_uneven = even;
  one_uneven[5] = 3.2;
  gains_prevent_fold(keys, one_uneven, Vector::Constant(4, 0.8), findings);
  findings.input("unequal gains in every plane");
  gains_prevent_fold(keys, uneven, Vector::Constant(4, 0.8), findings);
}

void check_rc_6(Draws& draws, Findings& findings) {
  const Vector radii = unequal_radii(8);
  findings.input("uniform phases, unequal radii, d = 16");
  torus_lift(uniform_phases(draws, 400, radii), uniform_phases(draws, 4000, radii), findings);
  findings.input("all phases of a 5-element cycle, three planes");
  cyclic_torus_average(draws.normal(6, 6), 5, {1, 3, 2}, findings);
  findings.input("all phases of a 4-element cycle, sparse keys");
  cyclic_torus_average(draws.sparse(6, 6, 2), 4, {1, 0, 3}, findings);
}

void check_rc_7(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 16;
  const Tensor train = uniform_phases(draws, 400, unequal_radii(d / 2));
  const Tensor held_out = uniform_phases(draws, 400, unequal_radii(d / 2));
  const Tensor learned = itq(train, draws.rotation(d), 20, cosine_weights(train)).rotation;
  findings.input("unequal radii, learned rotation, held out");
  rope_ceiling(held_out, learned, 64, findings);
  not_above(findings, "mean cosine under a random common shift of each key",
            mean_of(cosines_1bit(turned(common_shifts(draws, held_out), learned))), kCeiling);
  findings.input("keys on the sign lattice, 8 shifts: the ceiling of a finite cycle");
  rope_ceiling(draws.signs(50, d), Tensor::Identity(d, d), 8, findings);
  findings.input("equal radii, phases half way between 8 shifts: the ceiling is met");
  Tensor even(20, d);
  for (Eigen::Index row = 0; row < even.rows(); ++row) {
    for (Eigen::Index j = 0; j < d; j += 2) {
      const double phase = kPi / 8 + kPi / 4 * draws.below(8);
      even.row(row).segment<2>(j) << std::cos(phase), std::sin(phase);
    }
  }
  const CeilingReached reached = rope_ceiling(even, Tensor::Identity(d, d), 8, findings);
  findings.equal("mean cosine over its ceiling", reached.cosine, 1, 1e-12);
  findings.equal("pooled beta over its ceiling", reached.pooled, 1, 1e-12);
  findings.input("sparse keys, random rotation");
  rope_ceiling(draws.sparse(50, d, 2), draws.rotation(d), 64, findings);
  for (const KeySample& sample : key_samples(draws, 8)) {
    findings.input(sample.name + ", random rotation");
    rope_ceiling(sample.keys, draws.rotation(8), 32, findings);
  }
  findings.input("one key at 512 positions, learned rotation, planes of under 8 cycles at rest");
  const Rotary rotary{.frequencies = standard_frequencies(d / 2, 1e4), .unrotated = 0};
  const Tensor same = Vector::Ones(512) * draws.normal_vector(d).transpose();
  const Tensor placed = at_positions(same, rotary);
  const Tensor fitted = itq(placed, draws.rotation(d), 20, cosine_weights(placed)).rotation;
  const Eigen::Index slow = (rotary.frequencies.array() * 512 < 16 * kPi).count();
  rope_ceiling_with_rest(placed.topRows(64), 2 * slow, fitted, 256, findings);
  findings.input("half of the coordinates on the sign lattice and at rest");
  rope_ceiling_with_rest(draws.signs(20, d), d / 2, Tensor::Identity(d, d), 256, findings);
  for (const double b : {0.0, 0.2, 0.7, 0.999, 1.0, 3.0}) {
    findings.input("a turning coordinate of radius 1 and offset " + std::to_string(b));
    offset_phase_bound(1, b, findings);
  }
}

void check_rc_8(Draws& draws, Findings& findings) {
  const Vector radii = unequal_radii(8);
  const Tensor keys = uniform_phases(draws, 200, radii), queries = draws.normal(100, 16);
  findings.input("unequal radii, uniform phases, d = 16");
  plane_scaling(keys, 256, findings);
  const Vector inverse = inverse_plane_rms(keys);
  Tensor scaling = Tensor::Zero(16, 16);
  for (Eigen::Index j = 0; j < 8; ++j) {
    scaling.block<2, 2>(2 * j, 2 * j) = inverse[j] * Tensor::Identity(2, 2);
  }
  fold({.frequencies = standard_frequencies(8, 1e4), .unrotated = 0}, scaling, queries, keys,
       Vector{{0, 1, 77, 4095}}, findings);
  const double plain = scaled_score_error(queries, keys, Vector::Ones(8));
  const double equalised = scaled_score_error(queries, keys, inverse);
  findings.below("score error E (q'dk)^2 at equal plane energies, against no scaling", equalised,
                 plain);
  const Vector learned = descend_plane_scale(queries, keys, inverse, 6);
  findings.at_most("score error of a learned scaling, against equal plane energies",
                   scaled_score_error(queries, keys, learned), equalised);
  findings.input("equal radii: nothing to scale");
  plane_scaling(uniform_phases(draws, 100, Vector::Constant(4, 2.0)), 256, findings);
}

}  // namespace

std::span<const Check> rope_checks() {
  static constexpr std::array kChecks{Check{"RC-1", check_rc_1}, Check{"RC-2", check_rc_2},
                                      Check{"RC-3", check_rc_3}, Check{"RC-4", check_rc_4},
                                      Check{"RC-5", check_rc_5}, Check{"RC-6", check_rc_6},
                                      Check{"RC-7", check_rc_7}, Check{"RC-8", check_rc_8}};
  return kChecks;
}

}  // namespace rg::theorems
