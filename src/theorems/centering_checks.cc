// DC's functions on synthetic tensors.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "theorems/centering.h"
#include "theorems/constants.h"
#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

void check_dc_1(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32;
  const Tensor queries = draws.normal(20, d);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name + ", without their mean");
    shift_keeps_attention(queries, sample.keys, mean_key(sample.keys), findings);
    findings.input(sample.name + ", without a random vector");
    shift_keeps_attention(queries, sample.keys, 5 * draws.normal_vector(d), findings);
  }
  findings.input("normal keys, n = 60, d = 32, each without the mean of its coordinates");
  const Tensor keys = draws.normal(60, d);
  findings.above("max |attention weight - weight of the changed keys|",
                 attention_change(queries, keys, without_coordinate_means(keys)), 1e-3);
  findings.input("keys (1), (0) and query (1), d = 1, each without the mean of its coordinates");
  Tensor two(2, 1);
  two << 1.0, 0.0;
  findings.above("max |attention weight - weight of the changed keys|",
                 attention_change(Tensor::Ones(1, 1), two, without_coordinate_means(two)), 0.2);
}

void check_dc_2(Draws& draws, Findings& findings) {
  const Eigen::Index planes = 16, d = 2 * planes + 4, n = 40;
  const Rotary rotary{.frequencies = standard_frequencies(planes, 1e6), .unrotated = 4};
  const Vector mean = 5 * draws.normal_vector(d);
  const Tensor keys = draws.normal(n, d).rowwise() + mean.transpose();
  findings.input("keys around a mean, 16 planes of base 10^6, 4 coordinates unturned, n = 40");
  correction_restores_scores(draws.normal(n, d), keys, mean, correction_table(mean, rotary, n),
                             rotary, findings);
  const Vector query = draws.normal_vector(d);
  findings.above("spread of the correction over positions",
                 correction_spread(query, mean, rotary, n), 1e-3);
  Vector standing = Vector::Zero(d);
  standing.tail(4) = draws.normal_vector(4);
  findings.input("mean in the unturned coordinates");
  findings.equal("spread of the correction over positions",
                 correction_spread(query, standing, rotary, n), 0, 1e-12);
  findings.input("mean under RoPE, 16 planes of base 10^6, 1000 positions");
  shares_by_frequency(mean, rotary, 1000, findings);
  const Vector shares = surviving_shares(mean, rotary, 1000);
  findings.below("share on the fastest plane", shares(0), 1e-3);
  findings.above("share on the slowest plane", shares(planes - 1), 0.999);
}

void suprema_are(const char* input, TensorView keys, Suprema expected, Findings& findings) {
  findings.input(input);
  const Suprema found = suprema_in_plane(keys);
  findings.equal("sup of mean c", found.mean_cosine, expected.mean_cosine, 1e-6);
  findings.equal("sup of beta_E", found.per_key, expected.per_key, 1e-6);
  findings.equal("sup of beta_pool", found.pooled, expected.pooled, 1e-6);
}

void check_dc_3(Draws& draws, Findings& findings) {
  Tensor three(3, 2), two(2, 2);
  three << 1, 1, 1, -1, -1, 1;
  two << 1, 1, 1, -1;
  const Suprema ones{1, 1, 1};
  suprema_are("(1,1), (1,-1), (-1,1)", three, ones, findings);
  suprema_are("(1,1), (1,-1), (-1,1) without their mean", without(three, mean_key(three)),
              {(1 + 6 / std::sqrt(10)) / 3, 11.0 / 12, 8.0 / 9}, findings);
  findings.equal("sup of mean c as published", (1 + 6 / std::sqrt(10)) / 3, 0.96579, 5e-6);
  suprema_are("(1,1), (1,-1)", two, ones, findings);
  suprema_are("(1,1), (1,-1) without their mean", without(two, mean_key(two)), ones, findings);
  findings.input("all signs in R^3, each without the mean of its coordinates");
  const Tensor signs = all_sign_vectors(3);
  findings.equal("sup of mean c before", mean_cosine(signs), 1, 1e-13);
  // One key of each of the three lines; the all-equal signs become zero and are left out.
  const Tensor lines = without_coordinate_means(Tensor(signs.middleRows(1, 3)));
  const GridBest grid = best_mean_cosine_in_space(lines, 120);
  findings.below("sup of mean c after: best of a grid + the most between its points",
                 grid.best + grid.slack, 1);
  double climbed = 0;
  for (int start = 0; start < 50; ++start) {
    const Itq found = itq(lines, draws.rotation(3), 50, cosine_weights(lines));
    climbed = std::max(climbed, mean_cosine(turned(lines, found.rotation)));
  }
  findings.equal("sup of mean c after, by ITQ from 50 starts: 2 sqrt(2) / 3", climbed,
                 2 * std::numbers::sqrt2 / 3, 1e-6);
}

void check_dc_4(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32, n = 3000;
  const struct {
    double r, published;
  } list[] = {{0.5, 0.6417}, {1, 0.6805}, {2, 0.8136}, {4, 0.9412}};
  const double sigma = 0.7;
  for (const auto& item : list) {
    findings.input(fmt::format("normal cloud, r = {}, n = 3000, d = 32", item.r));
    findings.equal("g(r)^2 / (1 + r^2)", cloud_pooled_ratio(item.r), item.published, 5e-5);
    findings.above("g(r)^2 / (1 + r^2) > 2/pi", cloud_pooled_ratio(item.r), 2 / kPi);
    const Vector mean = draws.normal_vector(d).normalized() * item.r * sigma * std::sqrt(d);
    const Tensor keys = (sigma * draws.normal(n, d)).rowwise() + mean.transpose();
    cloud_ratios(keys, mean, sigma, findings);
  }
  findings.input("keys 10 (1, ..., 1) + normal noise, n = 3000, d = 32");
  const Tensor shifted = draws.normal(n, d).array() + 10;
  findings.above("mean c", mean_cosine(shifted), 0.99);
  findings.equal("mean sign: the bits say nothing", sign_code(shifted).mean(), 1, 0);
}

void check_dc_5(Draws& draws, Findings& findings) {
  const Eigen::Index d = 16;
  const Tensor identity = Tensor::Identity(d, d);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name + ", as they are");
    centering_errors(sample.keys, identity, identity, findings);
    findings.input(sample.name + ", in two random gauges");
    centering_errors(sample.keys, draws.rotation(d), draws.rotation(d), findings);
  }
  const double sigma = 0.7;
  for (const double r : {0.25, 1.0, 3.0}) {
    const Vector mean = draws.normal_vector(d).normalized() * r * sigma * std::sqrt(d);
    const Tensor keys = (sigma * draws.normal(3000, d)).rowwise() + mean.transpose();
    findings.input(fmt::format("normal cloud, r = {}, mean along the ones, d = 16", r));
    gaussian_centering(keys, mean, sigma, mirror_to_ones(mean), findings);
    findings.input(fmt::format("normal cloud, r = {}, random gauge, d = 16", r));
    gaussian_centering(keys, mean, sigma, draws.rotation(d), findings);
  }
}

void check_dc_6(Draws& draws, Findings& findings) {
  const Eigen::Index d = 16;
  for (const KeySample& sample : key_samples(draws, d)) {
    const Vector mean = mean_key(sample.keys), random = draws.normal_vector(d);
    const Tensor gauge = mirror_to_ones(mean);
    findings.input(sample.name + ", mean along the ones");
    beats_alignment(sample.keys, mean, gauge, findings);
    findings.input(sample.name + ", ITQ from there");
    beats_alignment(sample.keys, mean,
                    itq(sample.keys, gauge, 20, cosine_weights(sample.keys)).rotation, findings);
    findings.input(sample.name + ", a random direction along the ones");
    beats_alignment(sample.keys, random, mirror_to_ones(random), findings);
  }
}

}  // namespace

std::span<const Check> centering_checks() {
  static constexpr std::array kChecks{Check{"DC-1", check_dc_1}, Check{"DC-2", check_dc_2},
                                      Check{"DC-3", check_dc_3}, Check{"DC-4", check_dc_4},
                                      Check{"DC-5", check_dc_5}, Check{"DC-6", check_dc_6}};
  return kChecks;
}

}  // namespace rg::theorems
