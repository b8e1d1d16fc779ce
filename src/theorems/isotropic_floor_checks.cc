// IF's functions on synthetic tensors.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "theorems/families.h"
#include "theorems/isotropic_floor.h"
#include "theorems/key_samples.h"
#include "theorems/moment_ratio.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

void check_if_1(Draws& draws, Findings& findings) {
  const Eigen::Index d = 16, rotations = 1500;
  Tensor keys(4, d);
  keys << Tensor::Identity(1, d), draws.sparse(1, d, 3), draws.signs(1, d),
      massive_channel_keys(draws, 1, d, 2, 100);
  Tensor cosines(rotations, keys.rows());
  for (auto line : cosines.rowwise()) {
    line = cosines_1bit(turned(keys, draws.rotation(d))).transpose();
  }
  const char* names[] = {"one-hot key", "sparse key", "sign-lattice key",
                         "key with massive channels"};
  for (Eigen::Index k = 0; k < keys.rows(); ++k) {
    findings.input(fmt::format("{}, {} random rotations, d = {}", names[k], rotations, d));
    sphere_means(cosines.col(k), d, findings);
  }
}

void check_if_2(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32;
  const Tensor seen = draws.normal(4 * d, d), fresh = draws.normal(4000, d);
  const Itq learned = itq(seen, draws.rotation(d), 20, cosine_weights(seen));
  findings.input("rotation learned from 128 normal keys, d = 32");
  no_lift(fresh, learned.rotation, findings);
  const Vector lift = cosines_1bit(turned(seen, learned.rotation)) - cosines_1bit(seen);
  findings.above("mean c(Rk) - c(k), the keys it was learned from", mean_of(lift).value, 0.01);
  findings.input("random rotation, d = 32");
  no_lift(fresh, draws.rotation(d), findings);
  findings.input("random rotation, normal keys of random lengths, d = 32");
  Tensor stretched = draws.normal(4000, d);
  for (auto row : stretched.rowwise()) row /= draws.uniform();
  no_lift(stretched, draws.rotation(d), findings);
}

void check_if_3(Draws& draws, Findings& findings) {
  const Eigen::Index d = 64;
  findings.input("random rotation, d = 64");
  worst_key(draws.rotation(d), findings);
  findings.input("Hadamard, d = 64");
  worst_key(hadamard(d), findings);
  const Tensor keys = draws.normal(200, 16);
  std::vector<Tensor> random, signed_hadamard;
  for (int i = 0; i < 50; ++i) {
    random.push_back(draws.rotation(16));
    signed_hadamard.push_back(hadamard(16) * Vector(draws.signs(16, 1)).asDiagonal());
  }
  findings.input("200 normal keys, 50 random rotations, d = 16");
  worst_mean(keys, random, findings);
  findings.input("200 normal keys, Hadamard with 50 choices of signs, d = 16");
  worst_mean(keys, signed_hadamard, findings);
  findings.input("200 normal keys, the identity alone, d = 16");
  worst_mean(keys, {Tensor::Identity(16, 16)}, findings);
}

void check_if_4(Draws& draws, Findings& findings) {
  const Eigen::Index d = 10, n = 1000;
  const Tensor identity = Tensor::Identity(d, d), rotation = draws.rotation(d);
  const Tensor all = all_sign_vectors(d), some = draws.signs(n, d);
  findings.input("all 2^10 sign vectors");
  white_keys_on_the_lattice(all, identity, 1e-12, findings);
  findings.input("all 2^10 sign vectors, turned by a random rotation and back");
  white_keys_on_the_lattice(turned(all, rotation.transpose()), rotation, 1e-12, findings);
  // Entries of mean and E kk' have standard error 1/sqrt(n) at most; five of them, as 65 are
  // tested.
  findings.input("1000 random sign vectors, d = 10");
  white_keys_on_the_lattice(some, identity, 5 / std::sqrt(n), findings);
  findings.input("uniform coordinates on [-sqrt(3), sqrt(3)], n = 1000, d = 16");
  const Tensor flat = Tensor::NullaryExpr(
      n, 16, [&draws] { return std::numbers::sqrt3 * (2 * draws.uniform() - 1); });
  near(findings, "beta_pool = 3/4", pooled_ratio_of(flat), 0.75, 0);
}

void check_if_5(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32, n = 2000;
  const Tensor basis = draws.rotation(d);
  const Vector spectrum = Vector::LinSpaced(d, 1, static_cast<double>(d)).array().pow(-2);
  const Tensor covariance = basis * spectrum.asDiagonal() * basis.transpose();
  const auto keys_of = [&](Eigen::Index count) {
    return Tensor(draws.normal(count, d) * spectrum.cwiseSqrt().asDiagonal() * basis.transpose());
  };
  const Tensor seen = keys_of(n), fresh = keys_of(n);
  const Tensor axes = linear::symmetric_eigenpairs(seen.transpose() * seen).vectors.transpose();
  const Itq learned = itq(seen, draws.rotation(d), 20, Vector::Ones(n));
  const struct {
    const char* name;
    Tensor rotation;
  } gauges[] = {{"as drawn", Tensor::Identity(d, d)},
                {"principal axes", axes},
                {"principal axes, then Hadamard", hadamard(d) * axes},
                {"learned by ITQ", learned.rotation}};
  const double at_axes = gaussian_pooled_ratio(covariance, basis.transpose());
  for (const auto& gauge : gauges) {
    findings.input(fmt::format("normal keys, variances 1/j^2, d = 32, gauge: {}", gauge.name));
    gaussian_ceiling(fresh, covariance, gauge.rotation, findings);
    findings.at_least("at least the ratio in the principal axes",
                      gaussian_pooled_ratio(covariance, gauge.rotation), at_axes, 1e-12);
  }
  findings.input("exact covariance, d = 32");
  findings.equal("2/pi in the principal axes, then Hadamard",
                 gaussian_pooled_ratio(covariance, hadamard(d) * basis.transpose()),
                 2 / std::numbers::pi, 1e-12);
  findings.below("principal axes below the gauge as drawn", at_axes,
                 gaussian_pooled_ratio(covariance, Tensor::Identity(d, d)));
  findings.input("normal multiples of one lattice direction, n = 2000, d = 32");
  const Tensor line = draws.normal_vector(n) * Vector::Ones(d).transpose();
  near(findings, "beta_pool = 2/pi", pooled_ratio_of(line), 2 / std::numbers::pi, 0);
  findings.equal("mean c = 1 all the same", mean_cosine(line), 1, 1e-13);
}

void check_if_6(Draws& draws, Findings& findings) {
  for (const KeySample& sample : key_samples(draws, 8)) {
    findings.input(sample.name + ", all signs");
    hadamard_over_all_signs(sample.keys, hadamard(8), findings);
    law_of_a_coordinate(sample.keys, hadamard(8), third_moment_bound, findings);
  }
  findings.input("keys of equal entries, d = 8");
  reach_of_third_moments(8, third_moment_bound, findings);
  const Eigen::Index d = 64;
  const Tensor signs = draws.signs(500, d), mixer = hadamard(d);
  const struct {
    int entries;
    double published;
  } list[] = {{1, 1}, {2, 0.7071}, {3, 0.866}, {4, 0.751}, {8, 0.775}, {64, 0.794}};
  for (const auto& item : list) {
    findings.input(fmt::format("{} equal entries, 500 choices of signs, d = 64", item.entries));
    Vector key = Vector::Zero(d);
    key.head(item.entries).setOnes();
    hadamard_over_draws(key, mixer, signs, findings);
    findings.equal("exact mean c against the published sample's",
                   mean_size_of_sign_sum(item.entries) / std::sqrt(item.entries), item.published,
                   2e-3);
    const Vector c = hadamard_cosines(key, mixer, signs);
    const bool sure = item.entries <= 3;
    const double low = sure ? mean_size_of_sign_sum(item.entries) / std::sqrt(item.entries) : 0.5;
    const double high = sure ? low : 1;
    if (item.entries <= 4) {
      findings.equal("least c", c.minCoeff(), low, 1e-13);
      findings.equal("greatest c", c.maxCoeff(), high, 1e-13);
    }
  }
  findings.input("key with two massive channels, 500 choices of signs, d = 64");
  hadamard_over_draws(massive_channel_keys(draws, 1, d, 2, 100).row(0), mixer, signs, findings);
  findings.input("normal key, 500 choices of signs, d = 64");
  hadamard_over_draws(draws.normal_vector(d), mixer, signs, findings);
}

void check_if_7(Draws& draws, Findings& findings) {
  // One key under random rotations is a uniform direction (IF-1), and so is a normal vector's.
  for (const Eigen::Index d : {64, 256}) {
    findings.input(fmt::format("3000 uniform directions, d = {}", d));
    concentration(cosines_1bit(draws.normal(3000, d)), d, concentration_bound, findings);
  }
  findings.input("sparse key, 2000 random rotations, d = 32");
  const Tensor key = draws.sparse(1, 32, 2);
  Vector cosines(2000);
  for (double& c : cosines) c = mean_cosine(turned(key, draws.rotation(32)));
  concentration(cosines, 32, concentration_bound, findings);
  findings.input("uniform directions");
  spread_over_dimensions(concentration_bound, findings);
  levys_inequality(concentration_bound, findings);
  findings.input("d = 64");
  steepest_slope(64, findings);
}

}  // namespace

std::span<const Check> isotropic_floor_checks() {
  static constexpr std::array kChecks{Check{"IF-1", check_if_1}, Check{"IF-2", check_if_2},
                                      Check{"IF-3", check_if_3}, Check{"IF-4", check_if_4},
                                      Check{"IF-5", check_if_5}, Check{"IF-6", check_if_6},
                                      Check{"IF-7", check_if_7}};
  return kChecks;
}

}  // namespace rg::theorems
