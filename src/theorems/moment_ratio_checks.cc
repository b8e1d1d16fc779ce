// MR's functions on synthetic tensors.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "theorems/constants.h"
#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/moment_ratio.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

using Law = double (*)(Draws&);

double laplace(Draws& draws) { return -draws.sign() * std::log(draws.uniform()); }

// Density ~ exp(-x^4): x^4 >= x^2 - 1/4, so a normal of variance 1/2 is accepted with probability
// exp(-(x^2 - 1/2)^2).
double fourth_power(Draws& draws) {
  for (;;) {
    const double x = draws.normal() / std::numbers::sqrt2;
    const double off = x * x - 0.5;
    if (draws.uniform() < std::exp(-off * off)) return x;
  }
}

// Density ~ exp(-sqrt|x|): sqrt|x| has the law of the sum of two exponentials.
double half_power(Draws& draws) {
  const double root = std::log(draws.uniform() * draws.uniform());
  return draws.sign() * root * root;
}

struct LawWithRatio {
  const char* name;
  Law draw;
  double ratio;
};

std::vector<LawWithRatio> laws() {
  return {
      {"normal", [](Draws& d) { return d.normal(); }, 2 / kPi},
      {"uniform", [](Draws& d) { return 2 * d.uniform() - 1; }, 0.75},
      {"Laplace", laplace, 0.5},
      {"random sign", [](Draws& d) { return d.sign(); }, 1},
      {"triangular", [](Draws& d) { return d.uniform() - d.uniform(); }, 2.0 / 3},
      {"arcsine", [](Draws& d) { return std::cos(2 * kPi * d.uniform()); }, 8 / (kPi * kPi)},
      {"generalised Gaussian, p = 4", fourth_power, generalised_gaussian_ratio(4)},
      {"generalised Gaussian, p = 1/2", half_power, generalised_gaussian_ratio(0.5)},
      {"normal, 0 with probability 9/10",
       [](Draws& d) { return d.uniform() < 0.1 ? d.normal() : 0.0; }, 0.2 / kPi},
  };
}

void check_mr_1(Draws& draws, Findings& findings) {
  for (const KeySample& sample : key_samples(draws, 16)) {
    findings.input(sample.name);
    ratio_range(sample.keys, findings);
  }
}

Tensor from_pool(Draws& draws, Eigen::Index n, Eigen::Index d, VectorView pool) {
  const auto choices = static_cast<uint32_t>(pool.size());
  return Tensor::NullaryExpr(n, d, [&] { return pool(draws.below(choices)); });
}

void check_mr_2(Draws& draws, Findings& findings) {
  for (const KeySample& sample : key_samples(draws, 4)) {
    const Vector pool = sample.keys.reshaped<Eigen::RowMajor>();
    for (const Eigen::Index d : {64, 512}) {
      findings.input(fmt::format("d = {}, coordinates drawn from: {}", d, sample.name));
      cosine_of_independent_coordinates(from_pool(draws, 100, d, pool), pool, findings);
    }
  }
  findings.input("identically distributed, but all coordinates of a key equal, d = 512");
  const Tensor equal = draws.normal_vector(100) * Vector::Ones(512).transpose();
  findings.equal("mean c", mean_cosine(equal), 1, 1e-12);
  findings.above("mean c > sqrt(2/pi)", mean_cosine(equal), std::sqrt(2 / std::numbers::pi));
}

void check_mr_3(Draws& draws, Findings& findings) {
  for (const LawWithRatio& law : laws()) {
    findings.input(std::string("10^6 draws, ") + law.name);
    Vector sample(1000000);
    for (double& value : sample) value = law.draw(draws);
    ratio_of_draws(sample, law.ratio, findings);
  }
  findings.input("the generalised Gaussian's formula");
  findings.equal("p = 1: Laplace", generalised_gaussian_ratio(1), 0.5, 1e-12);
  findings.equal("p = 2: normal", generalised_gaussian_ratio(2), 2 / std::numbers::pi, 1e-12);
  findings.equal("p = 1000: towards uniform", generalised_gaussian_ratio(1000), 0.75, 1e-3);
  findings.below("p = 1/10: far below Laplace", generalised_gaussian_ratio(0.1), 0.01);
}

void check_mr_4(Draws& draws, Findings& findings) {
  struct Shape {
    double skewness, kurtosis;
  };
  for (const Shape shape : {Shape{0, 0}, Shape{0, 4}, Shape{0.5, 1.5},
                            Shape{0.1 * draws.sign(), 0.5 + 2 * draws.uniform()}}) {
    findings.input(
        fmt::format("skewness {:.3g}, excess kurtosis {:.3g}", shape.skewness, shape.kurtosis));
    gram_charlier(shape.skewness, shape.kurtosis, findings);
  }
  findings.input("slope of beta at excess kurtosis 0");
  // beta is a quadratic function of it, so the one-sided difference of second order is exact.
  const auto beta_at = [](double kurtosis) {
    return std::pow(gram_charlier_mean_size(0, kurtosis), 2);
  };
  const double h = 0.1, slope = (-3 * beta_at(0) + 4 * beta_at(h) - beta_at(2 * h)) / (2 * h);
  findings.equal("d beta / d k4 = -1 / (6 pi)", slope, -1 / (6 * std::numbers::pi), 1e-8);
}

void check_mr_5(Draws& draws, Findings& findings) {
  struct Values {
    Eigen::Index d;
    double beta, cosine, deviation;
  };
  for (const Values& v :
       {Values{64, 0.64230, 0.80101, 0.0262}, Values{128, 0.63946, 0.79944, 0.0186},
        Values{256, 0.63804, 0.79866, 0.0132}}) {
    findings.input(fmt::format("formulas, d = {}", v.d));
    findings.equal("E c^2", sphere_beta(v.d), v.beta, 5e-6);
    findings.equal("E c", sphere_cosine(v.d), v.cosine, 5e-6);
    findings.equal("standard deviation of c", sphere_cosine_deviation(v.d), v.deviation, 5e-5);
    findings.input(fmt::format("2000 uniform directions, d = {}", v.d));
    sphere_means(cosines_1bit(draws.normal(2000, v.d)), v.d, findings);
  }
  for (const Eigen::Index d : {8, 64}) {
    Tensor keys(9, d);
    Eigen::Index row = 0;
    for (const KeySample& sample : key_samples(draws, d)) keys.row(row++) = sample.keys.row(0);
    const Eigen::Index rotations = d == 8 ? 1000 : 100;
    findings.input(fmt::format("9 hostile keys under {} random rotations, d = {}", rotations, d));
    Tensor cosines(rotations, keys.rows());
    for (auto line : cosines.rowwise()) {
      line = cosines_1bit(turned(keys, draws.rotation(d))).transpose();
    }
    sphere_means(cosines, d, findings);
  }
}

void check_mr_6(Draws& draws, Findings& findings) {
  const Eigen::Index n = 50, d = 32;
  const auto run = [&](const char* name, VectorView column, VectorView scales) {
    findings.input(name);
    Tensor keys(n, d);  // every column a reordering of one column: equal laws, dependent or not
    for (Eigen::Index j = 0; j < d; ++j) {
      for (Eigen::Index i = 0; i < n; ++i) keys(i, j) = column((i + j) % n) * scales(j);
    }
    unequal_channels(keys, findings);
    findings.at_most("anisotropy factor", anisotropy_factor(keys), 1, 1e-12);
  };
  const Vector normal = draws.normal_vector(n);
  Vector massive = Vector::Ones(d);
  massive.head(2).setConstant(100);
  run("channels of normal sizes, n = 50, d = 32", normal, draws.normal_vector(d).cwiseAbs());
  run("two massive channels, n = 50, d = 32", normal, massive);
  run("equal channels, n = 50, d = 32", draws.signs(n, 1), Vector::Ones(d));
  findings.equal("anisotropy factor of equal channels", anisotropy_factor(draws.signs(n, d)), 1,
                 1e-12);
}

}  // namespace

std::span<const Check> moment_ratio_checks() {
  static constexpr std::array kChecks{Check{"MR-1", check_mr_1}, Check{"MR-2", check_mr_2},
                                      Check{"MR-3", check_mr_3}, Check{"MR-4", check_mr_4},
                                      Check{"MR-5", check_mr_5}, Check{"MR-6", check_mr_6}};
  return kChecks;
}

}  // namespace rg::theorems
